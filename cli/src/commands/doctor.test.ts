import { flow } from "@operator/contracts/flow";
import { Ticket } from "@operator/contracts/ticket";
import { violationKeyOf } from "@operator/contracts/violation";
import { expect, test } from "vitest";
import { z } from "zod";
import { Desk, Loop } from "../cli.fixture.ts";
import { examineNode, heard } from "../examine.ts";
import { deadLetter, snapshot, ticket, verdicts } from "../samples.fixture.ts";

const Report = z.object({
  ok: z.boolean(),
  checks: z.array(
    z.object({
      name: z.string(),
      outcome: z.enum(["ok", "warn", "fail"]),
      says: z.string(),
      todo: z.string().optional(),
    }),
  ),
});

test("a quiet loop is well with warnings; one that speaks is well; what waits or died is said", async () => {
  await using loop = await Loop.start();
  const examine = async () => {
    const ended = await loop.run(["doctor", "--json"]);
    expect(ended).toMatchObject({ code: 0, err: "" });
    const { checks } = Report.parse(JSON.parse(ended.out));
    return new Map(checks.map((check) => [check.name, check]));
  };
  const quiet = await examine();
  for (const name of ["node", "nats-server", "redis-server", "bus", "streams", "dead letters"])
    expect(quiet.get(name), name).toMatchObject({ outcome: "ok" });
  expect(quiet.get("observer ratelimiter")).toMatchObject({ outcome: "warn", todo: "is the observer running?" });
  expect(quiet.get("checker ratelimiter")).toMatchObject({ outcome: "warn", todo: "is the checker running?" });

  const observer = await loop.as("observer");
  await (await observer.bucket("leases", z.unknown())).create("observer.ratelimiter", { instance: "observer-1" });
  await observer.publish(flow.snapshot, snapshot());
  await (await loop.as("checker")).publish(flow.verdicts, verdicts());
  await (await loop.as("checker")).publish(flow.dead, deadLetter());
  const waiting = ticket({ diagnosis: "queued", attempts: [] });
  await (await (await loop.as("ticketer")).bucket("tickets", Ticket)).create(violationKeyOf(waiting), waiting);
  const busy = await examine();
  expect(busy.get("observer ratelimiter")).toMatchObject({
    outcome: "ok",
    says: expect.stringContaining("an observer holds the lease"),
  });
  expect(busy.get("checker ratelimiter")).toMatchObject({ outcome: "ok" });
  expect(busy.get("dead letters")).toMatchObject({ outcome: "warn", says: "1 within the last 30 days" });
  expect(busy.get("diagnoser ratelimiter")).toMatchObject({ outcome: "warn", todo: "is a diagnoser running?" });
});

test("a bus that can't be reached is a finding, not a crash; a mistyped subject is a mistyped command", async () => {
  using desk = new Desk();
  desk.writeContext({ url: "nats://127.0.0.1:1", passwords: { cli: "secret-of-cli" } });
  const ended = await desk.run(["doctor"]);
  expect(ended.code).toBe(5);
  expect(ended.out).toMatch(/✓ ok {4}node/);
  expect(ended.out).toMatch(/✖ fail {2}bus +no NATS server answered at nats:\/\/127\.0\.0\.1:1/);
  expect(ended.err).toContain("not well: bus [DOCTOR_FAILED]");
  expect(ended.out + ended.err).not.toContain("secret-of-cli");
  expect(await desk.run(["doctor", "--subject", "nosuch"])).toMatchObject({ code: 64, out: "" });
});

test.each([
  { version: "20.19.0", outcome: "fail" },
  { version: "22.21.9", outcome: "fail" },
  { version: "22.22.0", outcome: "ok" },
  { version: "24.9.0", outcome: "ok" },
])("Node $version: $outcome", ({ version, outcome }) => {
  expect(examineNode(version).outcome).toBe(outcome);
});

test.each([
  { ageMs: null, outcome: "warn" },
  { ageMs: 3_001, outcome: "warn" },
  { ageMs: 3_000, outcome: "ok" },
])("a service that was heard $ageMs ms ago: $outcome", ({ ageMs, outcome }) => {
  expect(heard("checker x", "verdicts", ageMs, "").outcome).toBe(outcome);
});
