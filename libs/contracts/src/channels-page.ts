import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Channel, patternOf, typeOf, type UserName } from "./channel.ts";
import { flow } from "./flow.ts";
import { queries, queryAddress } from "./query.ts";
import { buckets, streams, workers } from "./streams.ts";

export const channelsPageFile = join(import.meta.dirname, "..", "..", "..", "docs", "channels.md");

const channels: readonly Pick<Channel, "name" | "address" | "stream" | "senders" | "readers" | "version" | "holds">[] =
  Object.values(flow);

/** `docs/channels.md`: what travels on the bus, made of the same table that permissions and streams are made of. */
export function channelsPage(): string {
  return [
    "# Channels",
    "",
    "Made by `npm run docs` from `libs/contracts/src/flow.ts` and `streams.ts`: change those, not this page.",
    "",
    "Everything that the services tell each other, and the only way in which they meet. Payloads are plain JSON, gzipped",
    "above 64 KB (`content-encoding: gzip`); CloudEvents' attributes are headers (`ce-id`, `ce-type`, `ce-source`, `ce-time`),",
    "beside `traceparent` and `operator-instance`. Look on with `nats --user watch sub 'operator.>'`.",
    "",
    ...table(
      ["channel", "address", "from", "to", "type", "what it holds"],
      channels.map((channel) => [
        channel.name,
        code(channel.address),
        channel.senders.join(", "),
        channel.readers.join(", "),
        code(typeOf(channel)),
        channel.holds,
      ]),
    ),
    "",
    "A name in an address is a token: every byte outside `A-Z a-z 0-9 _ -` is written `=HH`, so `node b` is `node=20b`.",
    "A message whose type, source, address or content isn't its channel's becomes a dead letter, with its bytes and the reason.",
    "",
    "## Streams",
    "",
    "`fold`: read in order by everyone who keeps state about it. `work`: each message to one worker, gone when acknowledged.",
    "",
    ...table(
      ["stream", "kind", "addresses", "kept for", "at most", "per address", "when full"],
      Object.entries(streams).map(([name, stream]) => [
        name,
        stream.kind,
        channels
          .filter((channel) => channel.stream === name)
          .map((channel) => code(patternOf(channel)))
          .join(", "),
        span(stream.maxAgeMs),
        size(stream.maxBytes),
        stream.perAddress === "one" ? "one: the first stays" : "many",
        stream.discard === "old" ? "the oldest go" : "new ones are refused",
      ]),
    ),
    "",
    "## Workers",
    "",
    ...table(
      ["worker", "takes", "user", "message kept for", "given up at delivery"],
      Object.entries(workers).map(([name, worker]) => [
        name,
        code(worker.filter),
        worker.user,
        `${span(worker.ackWaitMs)}, renewed while it's worked on`,
        String(worker.deliveriesMax),
      ]),
    ),
    "",
    "## Buckets",
    "",
    "Keys with compare-and-set.",
    "",
    ...table(
      ["bucket", "written by", "read by", "kept for", "what it holds"],
      Object.entries(buckets).map(([name, bucket]) => [
        name,
        bucket.writers.join(", "),
        bucket.readers.join(", "),
        bucket.maxAgeMs === 0 ? "ever" : span(bucket.maxAgeMs),
        bucket.holds,
      ]),
    ),
    "",
    "## Questions",
    "",
    "Answered at once and stored nowhere; the answer goes to the inbox of who may ask.",
    "",
    ...table(
      ["question", "address", "asked by", "answered by", "the answer"],
      Object.values(queries).map((query) => [
        query.name,
        code(queryAddress(query, "subject").replace(".subject.", ".<subject>.")),
        query.asks.join(", "),
        query.answers,
        query.holds,
      ]),
    ),
    "",
    "## Users",
    "",
    "One per service, with the rights that follow from the tables above and no others: to publish to its own addresses, to make a",
    "consumer with the filter of a channel that it reads, to answer for its own work, to hear its own inbox. Nothing else is allowed.",
    "",
    ...table(["user", "sends", "reads", "writes", "works on"], users.map(rowOfUser)),
    "",
    "`watch` may only subscribe to `operator.>`. `provision` makes streams and sends dead letters' originals again; no service has it.",
    "",
  ].join("\n");
}

const users: readonly UserName[] = [
  "observer",
  "checker",
  "ticketer",
  "diagnoser",
  "actuator",
  "chaos",
  "notifier",
  "cli",
];

function rowOfUser(user: UserName): string[] {
  const named = (list: string[]) => (list.length === 0 ? "–" : list.join(", "));
  const bucketsWhere = (who: "writers" | "readers") =>
    Object.entries(buckets).flatMap(([name, bucket]) =>
      bucket[who].some((one) => one === user) ? [`KV ${name}`] : [],
    );
  return [
    user,
    named(channels.filter(({ senders }) => senders.includes(user)).map(({ name }) => name)),
    named([
      ...channels
        .filter(({ readers, stream }) => readers.includes(user) && streams[stream].kind === "fold")
        .map(({ name }) => name),
      ...bucketsWhere("readers"),
    ]),
    named(bucketsWhere("writers")),
    named(Object.entries(workers).flatMap(([name, worker]) => (worker.user === user ? [name] : []))),
  ];
}

function table(head: string[], rows: string[][]): string[] {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

function code(text: string): string {
  return `\`${text}\``;
}

function span(ms: number): string {
  const units = [
    [86_400_000, "d"],
    [3_600_000, "h"],
    [60_000, "min"],
    [1_000, "s"],
  ] as const;
  const [unitMs, unit] = units.find(([unitMs]) => ms % unitMs === 0) ?? [1, "ms"];
  return `${ms / unitMs} ${unit}`;
}

function size(bytes: number): string {
  const mebibytes = bytes / (1024 * 1024);
  return mebibytes % 1024 === 0 ? `${mebibytes / 1024} GiB` : `${mebibytes} MiB`;
}

if (import.meta.main) writeFileSync(channelsPageFile, channelsPage());
