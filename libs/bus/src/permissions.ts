import { type Channel, patternOf, type UserName } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import { queries, queryAddress } from "@operator/contracts/query";
import { buckets, streams, workers } from "@operator/contracts/streams";

export const userNames = [
  "observer",
  "checker",
  "ticketer",
  "diagnoser",
  "actuator",
  "chaos",
  "notifier",
  "cli",
  "watch",
  "provision",
] as const satisfies UserName[];

export interface Permissions {
  publish: string[];
  subscribe: string[];
}

const channels: readonly Pick<Channel, "name" | "address" | "stream" | "senders" | "readers">[] = Object.values(flow);

/** What a user may do on the bus, computed from who sends and reads what. Nothing listed is nothing allowed. */
export function permissionsOf(user: UserName): Permissions {
  // A watcher looks on with plain subscriptions: it needs no inbox, as it may ask nothing.
  if (user === "watch") return { publish: [], subscribe: ["operator.>"] };
  const subscribe = [`_INBOX_${user}.>`];
  if (user === "provision") {
    // Besides the streams: it sends dead letters' originals again.
    return { publish: ["$JS.API.>", ...channels.map((channel) => patternOf(channel))], subscribe };
  }
  const publish = [...sends(user), ...reads(user), ...works(user), ...keeps(user), ...asks(user)];
  return { publish: [...new Set(publish)].sort(), subscribe: [...subscribe, ...answers(user)] };
}

function sends(user: UserName): string[] {
  return channels
    .filter(({ senders }) => senders.includes(user))
    .map((channel) => patternOf(channel, channel.name === flow.dead.name ? { service: user } : {}));
}

const anySubject = "*";

/** An answer goes to the inboxes of those who may ask, by name: `allow_responses` would let an asker name any address. */
function asks(user: UserName): string[] {
  return Object.values(queries).flatMap((query) => [
    ...(query.asks.includes(user) ? [patternOfQuery(query)] : []),
    ...(query.answers === user ? query.asks.map((asker) => `_INBOX_${asker}.>`) : []),
  ]);
}

function answers(user: UserName): string[] {
  return Object.values(queries)
    .filter((query) => query.answers === user)
    .map(patternOfQuery);
}

function patternOfQuery({ name }: { name: string }): string {
  return queryAddress({ name }, "any").replace(".any.", `.${anySubject}.`);
}

/** Consumers only with the channel's own filter; no right to delete one, as they end by themselves. */
function reads(user: UserName): string[] {
  return channels
    .filter(({ readers, stream }) => readers.includes(user) && streams[stream].kind === "fold")
    .flatMap((channel) => [
      `$JS.API.STREAM.INFO.${channel.stream}`,
      `$JS.API.CONSUMER.CREATE.${channel.stream}.*.${patternOf(channel)}`,
      `$JS.API.CONSUMER.MSG.NEXT.${channel.stream}.*`,
      `$JS.API.DIRECT.GET.${channel.stream}.${patternOf(channel)}`,
    ]);
}

/** The second form of an acknowledgement's address is that of servers from 2.14 on, with domain and account. */
function works(user: UserName): string[] {
  return Object.entries(workers)
    .filter(([, worker]) => worker.user === user)
    .flatMap(([name, { stream }]) => [
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`,
      `$JS.ACK.${stream}.${name}.>`,
      `$JS.ACK.*.*.${stream}.${name}.>`,
    ]);
}

function keeps(user: UserName): string[] {
  return Object.entries(buckets).flatMap(([name, bucket]) => {
    const readers: readonly string[] = bucket.readers;
    const writers: readonly string[] = bucket.writers;
    return [
      ...(readers.includes(user)
        ? [
            `$JS.API.STREAM.INFO.KV_${name}`,
            `$JS.API.CONSUMER.CREATE.KV_${name}.*.$KV.${name}.>`,
            `$JS.API.CONSUMER.MSG.NEXT.KV_${name}.*`,
            `$JS.API.DIRECT.GET.KV_${name}.$KV.${name}.>`,
          ]
        : []),
      ...(writers.includes(user) ? [`$KV.${name}.>`] : []),
    ];
  });
}
