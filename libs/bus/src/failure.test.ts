import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { BusError, ConnectionLost, isAddressTaken, isConflict, isPassing, toBusError } from "./failure.ts";

const api = (err_code: number, description = "words", code = 400) =>
  new JetStreamApiError({ code, err_code, description });

test("a conflict has two codes, the second seen under replication only", () => {
  expect([10071, 10164, 10077].map((code) => isConflict(api(code)))).toEqual([true, true, false]);
  expect(isConflict(new Error("10071"))).toBe(false);
});

test("an address that holds its message is told from a stream that is full, which has the same code", () => {
  expect(isAddressTaken(api(10077, "maximum messages per subject exceeded"))).toBe(true);
  expect(isAddressTaken(api(10077, "maximum bytes exceeded"))).toBe(false);
});

test.for<[string, unknown, boolean]>([
  ["no answer in time", new errors.TimeoutError(), true],
  ["nobody who answers", new errors.RequestError("", { cause: new errors.NoRespondersError("a") }), true],
  ["a lost connection", new ConnectionLost(), true],
  ["no leader", api(10008, "temporarily unavailable", 503), true],
  ["no such stream yet", api(10059, "stream not found", 404), true],
  ["a request that is wrong", api(10003), false],
  ["a conflict", api(10071), false],
  ["a permission that isn't given", new errors.PermissionViolationError("no", "publish", "a"), false],
  [
    "a permission that isn't given, as a request says it",
    new errors.RequestError("no", { cause: new errors.PermissionViolationError("no", "publish", "a") }),
    false,
  ],
  ["an error of ours", new BusError("BAD_VALUE", "x"), false],
  ["no error at all", "text", false],
])("%s: worth another try %#", ([, error, passing]) => {
  expect(isPassing(error)).toBe(passing);
});

test("errors for callers have a code, and say what was tried", () => {
  expect(toBusError("write x", api(10077, "maximum bytes exceeded"))).toMatchObject({
    code: "BUS_REJECTED",
    message: `write x: the bus answered 10077, "maximum bytes exceeded"`,
  });
  const other = new Error("other");
  expect(toBusError("write x", other)).toBe(other);
});
