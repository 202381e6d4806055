import { expect, test } from "vitest";
import { deliveryOf } from "./delivery.ts";

const said = {
  stream: "JOBS",
  deliveries: 2,
  sequence: 77,
  consumerSequence: 9,
  storedAtMs: 1_795_000_000_123,
  waiting: 5,
};

test.for([
  ["the first form", "$JS.ACK.JOBS.diagnoser-critical.2.77.9.1795000000123456789.5"],
  ["with domain and account", "$JS.ACK._.szMpdrwD.JOBS.diagnoser-critical.2.77.9.1795000000123456789.5"],
  ["with a last random token", "$JS.ACK.hub.szMpdrwD.JOBS.diagnoser-critical.2.77.9.1795000000123456789.5.x1Yz"],
] as const)("%s is read", ([, reply]) => {
  expect(deliveryOf(reply)).toEqual(said);
});

test.for(["", "_INBOX.abc", "$JS.ACK.JOBS.c.2.77"])("%j is refused, and quoted", (reply) => {
  expect(() => deliveryOf(reply)).toThrow(`"${reply}" is no acknowledgement address`);
});
