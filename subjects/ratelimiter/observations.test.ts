import { expect, test } from "vitest";
import { observations } from "./observations.ts";
import { startNodeProcess } from "./service/src/node.fixture.ts";
import { startRedis } from "./service/src/redis.fixture.ts";
import { until } from "./service/src/until.fixture.ts";

async function ask(source: string, redisUrl: string): Promise<unknown> {
  const [tool] = observations;
  if (!tool) throw new Error("no read tool");
  // The tool's own schema made them.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const parameters = tool.parameters.parse({ source }) as never;
  const environment = { RATELIMITER_REDIS_URL: redisUrl, RATELIMITER_LIMITS: "login=5/60000" };
  return await tool.read(parameters, { environment, signal: AbortSignal.timeout(2_000) });
}

test("each source reads as it is now; what can't be read is a failure", async () => {
  await using redis = await startRedis();
  await using node = await startNodeProcess("node-a", redis.url);
  await until("node-a is in the register", async () =>
    JSON.stringify(await ask("registry", redis.url)).includes(node.url),
  );
  expect(await ask("registry", redis.url)).toMatchObject({ cluster: { value: { members: ["node-a"] } } });
  expect(await ask("redis", redis.url)).toMatchObject({ redis: { value: { role: "master" } } });
  expect(await ask("limits", redis.url)).toMatchObject({ cluster: { value: {} } });
  expect(await ask("counters", redis.url)).toHaveProperty("key-login");
  await expect(ask("registry", "redis://127.0.0.1:1")).rejects.toThrow();
});
