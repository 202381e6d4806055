import { expect, test } from "vitest";
import { type Channel, patternOf } from "./channel.ts";
import { flow } from "./flow.ts";
import { buckets, streams, workers } from "./streams.ts";

const channels: readonly Pick<Channel, "name" | "address" | "stream" | "senders" | "readers" | "holds">[] =
  Object.values(flow);

test("a channel is listed under its own name", () => {
  expect(Object.entries(flow).filter(([key, { name }]) => key !== name)).toEqual([]);
});

test("no address is two channels': what is stored is of one type only", () => {
  const patterns = channels.map((channel) => patternOf(channel).split("."));
  const overlaps = patterns.flatMap((one, at) =>
    patterns
      .slice(at + 1)
      .filter((other) => one.length === other.length && one.every((token, n) => meets(token, other[n]))),
  );
  expect(overlaps).toEqual([]);
});

test("every stream carries a channel, every worker's filter lies within its stream", () => {
  for (const name of Object.keys(streams))
    expect(
      channels.some(({ stream }) => stream === name),
      name,
    ).toBe(true);
  for (const [name, { stream, filter }] of Object.entries(workers)) {
    const start = filter.replace(/\.>$/, "").split(".");
    const ofStream = channels
      .filter((channel) => channel.stream === stream)
      .map((channel) => patternOf(channel).split("."));
    expect(
      ofStream.some((pattern) => start.every((token, n) => meets(token, pattern[n]))),
      name,
    ).toBe(true);
  }
});

test("a message of work has one reader, and its workers are that one's", () => {
  for (const { name, stream, readers } of channels) {
    if (streams[stream].kind !== "work") continue;
    expect(readers, name).toHaveLength(1);
    for (const worker of Object.values(workers)) if (worker.stream === stream) expect(readers).toContain(worker.user);
  }
});

test("who writes a bucket reads it, and nobody both writes and reads a stream but a person", () => {
  for (const [name, { writers, readers }] of Object.entries(buckets)) {
    expect(readers, name).toEqual(expect.arrayContaining([...writers]));
  }
  // Who may do both could have the server copy what was sent long ago to where it is news again.
  for (const { name, senders, readers } of channels) {
    // Its journal is chaos' own memory: nobody else acts on it.
    if (name === "fault") continue;
    expect(
      senders.filter((user) => user !== "cli" && readers.includes(user)),
      name,
    ).toEqual([]);
  }
});

test("the pattern of an address has * for what isn't given, and tokens for what is", () => {
  expect(patternOf(flow.violation)).toBe("operator.violation.*.*.*");
  expect(patternOf(flow.violation, { subject: "s", target: "a.b" })).toBe("operator.violation.s.*.a=2Eb");
});

function meets(one: string, other: string | undefined): boolean {
  return one === other || one === "*" || other === "*";
}
