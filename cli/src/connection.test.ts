import { createServer } from "node:net";
import { once } from "node:events";
import { startNats } from "@operator/stack/nats-server";
import { expect, test } from "vitest";
import { Desk } from "./cli.fixture.ts";
import { type Connection, findConnection, type GlobalOptions } from "./connection.ts";
import type { Shell } from "./shell.ts";

const context = { url: "nats://context:4222", passwords: { cli: "of-context" }, subjects: ["ratelimiter"] };

function find(given: {
  options?: GlobalOptions;
  env?: Shell["env"];
  context?: unknown;
  own?: string;
  user?: Connection["user"];
}): Connection {
  using desk = new Desk();
  if (given.context !== undefined) desk.writeContext(given.context);
  const shell = { env: given.env ?? {}, root: desk.root };
  return findConnection(shell, given.options ?? {}, given.user ?? "cli", given.own);
}

test("a context is also found by its name", () => {
  using desk = new Desk();
  desk.writeContext(context, "compose");
  expect(findConnection({ env: {}, root: desk.root }, { context: "compose" }, "cli")).toMatchObject({
    url: "nats://context:4222",
    password: "of-context",
  });
  expect(() => findConnection({ env: {}, root: desk.root }, { context: "none" }, "cli")).toThrow(
    expect.objectContaining({ code: "CONTEXT_INVALID" }),
  );
});

const password = { OPERATOR_NATS_PASSWORD: "of-environment" };

test.each([
  { why: "nothing is said", given: { env: password }, url: "nats://127.0.0.1:4222", by: "of-environment" },
  { why: "the context file", given: { context }, url: "nats://context:4222", by: "of-context" },
  {
    why: "the environment before the context file",
    given: { context, env: { ...password, OPERATOR_NATS_URL: "nats://env:1" } },
    url: "nats://env:1",
    by: "of-environment",
  },
  {
    why: "the option before the environment",
    given: { options: { server: "nats://option:1" }, env: { ...password, OPERATOR_NATS_URL: "nats://env:1" } },
    url: "nats://option:1",
    by: "of-environment",
  },
  {
    why: "the same server named otherwise keeps the context's password",
    given: { context, options: { server: "nats://context:4222" } },
    url: "nats://context:4222",
    by: "of-context",
  },
  { why: "a password of the command's own", given: { context, own: "own" }, url: "nats://context:4222", by: "own" },
  {
    why: "several servers",
    given: { env: password, options: { server: "nats://a:1,tls://b:2,c:3" } },
    url: "nats://a:1,tls://b:2,c:3",
    by: "of-environment",
  },
])("where to: $why", ({ given, url, by }) => {
  expect(find(given)).toMatchObject({ url, password: by });
});

test.each([
  {
    why: "a context's password isn't shown to another server",
    given: { context, options: { server: "nats://other:1" } },
    code: "PASSWORD_MISSING",
    says: "is for nats://context:4222, not for nats://other:1",
  },
  {
    why: "no password, no file",
    given: {},
    code: "PASSWORD_MISSING",
    says: "set OPERATOR_NATS_PASSWORD; there is no context file either",
  },
  {
    why: "no password of provision",
    given: { context, user: "provision" as const },
    code: "PASSWORD_MISSING",
    says: "OPERATOR_NATS_PROVISION_PASSWORD",
  },
  {
    why: "an address that is none",
    given: { env: password, options: { server: "http://x" } },
    code: "USAGE",
    says: '"http://x" (from --server) is no address',
  },
  {
    why: "a port that is none",
    given: { env: { ...password, OPERATOR_NATS_URL: "nats://x:99999" } },
    code: "USAGE",
    says: "(from OPERATOR_NATS_URL)",
  },
  {
    why: "a context file that isn't there",
    given: { options: { context: "/nonexistent/context.json" } },
    code: "CONTEXT_INVALID",
    says: '"/nonexistent/context.json" can\'t be read',
  },
  { why: "a context file that isn't JSON", given: { context: "{" }, code: "CONTEXT_INVALID", says: "isn't JSON" },
  {
    why: "a context file of another kind",
    given: { context: { url: 1, subjects: ["No Name"] } },
    code: "CONTEXT_INVALID",
    says: "url: ",
  },
])("refused: $why", ({ given, code, says }) => {
  expect(() => find(given)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(says) }));
});

test("no message of a bad context file quotes a password", () => {
  expect(() => find({ context: { passwords: { cli: ["s3cret"] } } })).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining("s3cret") }),
  );
});

test(
  "a server that says nothing is given up after 3 s, by its address and where that came from",
  { timeout: 15_000 },
  async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = silent.address();
    const url = `nats://127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
    using desk = new Desk();
    const ended = await desk.run(["status", "--json", "--server", url], { env: password });
    silent.close();
    expect(ended).toMatchObject({ code: 69, out: "" });
    expect(JSON.parse(ended.err)).toEqual({
      error: {
        code: "BUS_UNREACHABLE",
        message: `no NATS server answered at ${url} (from --server) within 3 s: start one (\`npm run demo\` does), or name another by --server or OPERATOR_NATS_URL`,
      },
    });
  },
);

test("a wrong password is said at once, and isn't quoted", async () => {
  await using nats = await startNats();
  using desk = new Desk();
  const ended = await desk.run(["status", "--server", nats.url], { env: { OPERATOR_NATS_PASSWORD: "wrong-one" } });
  expect(ended).toMatchObject({ code: 77, out: "" });
  expect(ended.err.replaceAll("\n", " ")).toContain('refused the user "cli"');
  expect(ended.err).not.toContain("wrong-one");
});
