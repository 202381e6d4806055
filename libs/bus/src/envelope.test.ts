import { gzipSync } from "node:zlib";
import { headers } from "@nats-io/transport-node";
import { flow } from "@operator/contracts/flow";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { snapshotOf, violationOf } from "./bus.fixture.ts";
import { MESSAGE_BYTES_MAX, open, openBytesMax, type Raw, seal } from "./envelope.ts";
import { inTrace } from "./trace.ts";

const checker = { user: "checker", instance: "checker-1" };
const observer = { user: "observer", instance: "observer-1" };

test("a message travels with CloudEvents' attributes as headers and its plain JSON as body", async () => {
  const message = violationOf("s", "node-a", 7);
  const sealed = await seal(flow.violation, message, checker);
  expect(sealed.address).toBe("operator.violation.s.node_down.node-a");
  expect(Object.fromEntries([...sealed.headers].map(([name, [value]]) => [name, value]))).toEqual({
    "ce-specversion": "1.0",
    "ce-id": "s.node_down.node-a:firing:7",
    "ce-type": "operator.violation.v1",
    "ce-source": "operator/checker",
    "ce-time": expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    "operator-instance": "checker-1",
    traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
    "Nats-Msg-Id": "s.node_down.node-a:firing:7",
  });
  expect(JSON.parse(Buffer.from(sealed.body).toString())).toEqual(message);
  expect(open(flow.violation, rawOf(sealed))).toEqual({ ok: true, message, id: sealed.id });
});

test("what is sent while a message is handled belongs to that message's trace", async () => {
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const sealed = await inTrace(`00-${trace}-b7ad6b7169203331-01`, () =>
    seal(flow.violation, violationOf("s", "a", 1), checker),
  );
  expect(sealed.headers.get("traceparent")).toMatch(new RegExp(`^00-${trace}-(?!b7ad6b7169203331)`));
  const other = await inTrace("nonsense", () => seal(flow.violation, violationOf("s", "a", 1), checker));
  expect(other.headers.get("traceparent")).not.toContain(trace);
});

test("above 64 KB it's gzipped, and reads the same", async () => {
  const message = snapshotOf("s", 1, { api: { a: "x".repeat(200_000) } });
  const sealed = await seal(flow.snapshot, message, observer);
  expect(sealed.headers.get("content-encoding")).toBe("gzip");
  expect(sealed.body.length).toBeLessThan(10_000);
  expect(open(flow.snapshot, rawOf(sealed))).toMatchObject({ ok: true, message });
});

test("64 KB still travel plain, one byte more gzipped, and both read the same", async () => {
  const padded = (bytes: number) => snapshotOf("s", 1, { api: { a: "x".repeat(bytes) } });
  const room = 64 * 1024 - Buffer.byteLength(JSON.stringify(padded(0)));
  for (const [message, encoding] of [
    [padded(room), ""],
    [padded(room + 1), "gzip"],
  ] as const) {
    const sealed = await seal(flow.snapshot, message, observer);
    expect(sealed.headers.get("content-encoding")).toBe(encoding);
    expect(sealed.body.length === 64 * 1024).toBe(encoding === "");
    expect(open(flow.snapshot, rawOf(sealed))).toMatchObject({ ok: true, message });
  }
});

test("any target and any text comes back as it was sent", async () => {
  const target = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 60 })
    .filter((text) => flow.violation.schema.safeParse(violationWith(text, "")).success);
  await fc.assert(
    fc.asyncProperty(target, fc.string({ unit: "binary", maxLength: 200 }), async (name, summary) => {
      const message = flow.violation.schema.parse(violationWith(name, summary.toWellFormed()));
      const sealed = await seal(flow.violation, message, checker);
      expect(sealed.address).toMatch(/^[\w=.-]+$/);
      expect(open(flow.violation, rawOf(sealed))).toEqual({ ok: true, message, id: sealed.id });
    }),
  );
});

test("a message that its channel doesn't allow isn't sent, and the error says where it's wrong", async () => {
  const wrong = { ...violationOf("s", "a", 1), occurrences: -1 };
  await expect(seal(flow.violation, wrong, checker)).rejects.toMatchObject({
    code: "BAD_MESSAGE",
    message: expect.stringContaining("occurrences"),
  });
});

test("a message above the limit isn't sent, and the error says its size and the limit", async () => {
  const large = snapshotOf("s", 1, { api: { a: "x".repeat(openBytesMax) } });
  await expect(seal(flow.snapshot, large, observer)).rejects.toMatchObject({
    code: "TOO_LARGE",
    message: expect.stringMatching(/8388\d{3} bytes.*the limits are 8388608 and 4194304/),
  });
  // What doesn't shrink is over the limit as it's stored, though not as it's read.
  const random = Array.from({ length: 24 }, () =>
    Array.from({ length: 250_000 }, () => String.fromCharCode(33 + Math.random() * 90)).join(""),
  );
  const dense = snapshotOf("s", 1, { api: Object.fromEntries(random.map((text, at) => [`t${at}`, text])) });
  await expect(seal(flow.snapshot, dense, observer)).rejects.toMatchObject({
    code: "TOO_LARGE",
    message: expect.stringContaining(String(MESSAGE_BYTES_MAX)),
  });
});

test.for<[string, string, (raw: Raw) => void]>([
  ["another type", "BAD_TYPE", ({ headers }) => headers?.set("ce-type", "operator.ticket.v1")],
  ["another version of the type", "BAD_TYPE", ({ headers }) => headers?.set("ce-type", "operator.violation.v2")],
  ["no headers at all", "BAD_TYPE", (raw) => (raw.headers = undefined)],
  ["a source that may not send it", "BAD_SOURCE", ({ headers }) => headers?.set("ce-source", "operator/diagnoser")],
  ["a source that isn't of the loop", "BAD_SOURCE", ({ headers }) => headers?.set("ce-source", "checker")],
  ["an encoding that nobody sends", "BAD_ENCODING", ({ headers }) => headers?.set("content-encoding", "br")],
  ["gzip that isn't", "BAD_ENCODING", ({ headers }) => headers?.set("content-encoding", "gzip")],
  ["bytes that aren't JSON", "BAD_JSON", (raw) => (raw.body = Buffer.from("{"))],
  ["JSON of another shape", "BAD_SCHEMA", (raw) => (raw.body = Buffer.from(`{"subject":"s"}`))],
  ["another address", "BAD_ADDRESS", (raw) => (raw.address = "operator.violation.s.node_down.b")],
  [
    "a bomb of zeros",
    "TOO_LARGE",
    (raw) => {
      raw.headers?.set("content-encoding", "gzip");
      raw.body = gzipSync(Buffer.alloc(openBytesMax + 1));
    },
  ],
  ["more plain bytes than are read", "TOO_LARGE", (raw) => (raw.body = Buffer.alloc(openBytesMax + 1, " "))],
])("%s is refused with %s", async ([, code, spoil]) => {
  const raw = rawOf(await seal(flow.violation, violationOf("s", "a", 1), checker));
  spoil(raw);
  expect(open(flow.violation, raw)).toMatchObject({ ok: false, code, reason: expect.any(String) });
});

function rawOf(sealed: { address: string; headers: Raw["headers"]; body: Uint8Array }): Raw {
  const copy = headers();
  for (const [name, values] of sealed.headers ?? []) for (const value of values) copy.append(name, value);
  return { address: sealed.address, headers: copy, body: sealed.body };
}

function violationWith(target: string, summary: string) {
  return { ...violationOf("s", "a", 1), target, summary };
}
