import { Control, controlAtFirst, controlKey } from "@operator/contracts/control";
import { expect, test } from "vitest";
import { Loop } from "./cli.fixture.ts";
import { changeControl } from "./control.ts";

test("a claim between the look at the mode and its change isn't lost: it's in what is written", async () => {
  await using loop = await Loop.start();
  const bus = await loop.as("cli");
  const bucket = await bus.bucket("control", Control);
  await bucket.create(controlKey, { ...controlAtFirst, term: 4 });
  const claim = { action: "ratelimiter.node_down.node-a.1.1.1", by: "actuator-1", claimedAtMs: 1, untilMs: 2 };
  const claimed = Control.parse({ ...controlAtFirst, term: 4, inFlight: { ratelimiter: claim } });
  let looks = 0;
  const next = (before: Control): Control => {
    looks += 1;
    // It was looked at and isn't written yet; what this connection sends now comes before that.
    if (looks === 1) bus.link.connection.publish(`$KV.control.${controlKey}`, JSON.stringify(claimed));
    return { ...before, term: before.term + 1 };
  };
  const changed = await changeControl(bucket, next, { withinMs: 5_000, signal: new AbortController().signal });
  expect(changed).toEqual({ now: { ...claimed, term: 5 }, before: claimed, conflicts: 1 });
  expect((await bucket.get(controlKey))?.value).toEqual(changed.now);
});
