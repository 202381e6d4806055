import { permissionsOf, userNames } from "@operator/bus/permissions";
import { patternOf, type UserName } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import { queries } from "@operator/contracts/query";
import { buckets, workers } from "@operator/contracts/streams";

/** The table of `docs/security.md` that says what each user of the bus may do. */
export function usersTable(): string {
  const rows = userNames.map((user) => {
    const { sends, reads, writes, worksOn, asks, answers } = rightsOf(user);
    return [user, ...[sends, reads, writes, worksOn, asks, answers].map((names) => names.join(", ") || "–")];
  });
  const heads = ["user", "sends", "reads", "writes", "works on", "asks", "answers"];
  return [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** What a user may do on the bus, in the words of `docs/channels.md`. */
interface BusRights {
  sends: string[];
  reads: string[];
  writes: string[];
  worksOn: string[];
  asks: string[];
  answers: string[];
}

/** An address that a right is seen by, and those that it can't be used without. */
interface Sign {
  kind: keyof BusRights;
  name: string;
  address: string;
  needs: string[];
}

/**
 * Read back from the addresses that nats-server is told: what they come to, not what they were meant to be. Throws for an
 * address that belongs to no right: whoever has it could do something that no page says.
 */
function rightsOf(user: UserName): BusRights {
  const { publish, subscribe } = permissionsOf(user);
  const given = new Set([...publish, ...subscribe.map((address) => `hear ${address}`)]);
  const found = signsFor(user).filter(({ address }) => given.has(address));
  const explained = new Set(found.flatMap(({ address, needs }) => [address, ...needs]).concat(`hear _INBOX_${user}.>`));
  const unexplained = [...given].filter((address) => !explained.has(address));
  if (unexplained.length > 0) throw new Error(`${user} may do what no page says: ${unexplained.join(", ")}`);
  const named = (kind: keyof BusRights) => found.flatMap((sign) => (sign.kind === kind ? [sign.name] : []));
  return {
    sends: named("sends"),
    reads: named("reads"),
    writes: named("writes"),
    worksOn: named("worksOn"),
    asks: named("asks"),
    answers: named("answers"),
  };
}

function signsFor(user: UserName): Sign[] {
  const reading = (stream: string, address: string) => ({
    address: `$JS.API.CONSUMER.CREATE.${stream}.*.${address}`,
    needs: [
      `$JS.API.STREAM.INFO.${stream}`,
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.*`,
      `$JS.API.DIRECT.GET.${stream}.${address}`,
    ],
  });
  return [
    ...Object.values(flow).flatMap((channel): Sign[] => {
      const { name, stream } = channel;
      const own = patternOf(channel, name === "dead" && user !== "provision" ? { service: user } : {});
      return [
        { kind: "sends", name, address: own, needs: [] },
        { kind: "reads", name, ...reading(stream, patternOf(channel)) },
      ];
    }),
    ...Object.keys(buckets).flatMap((name): Sign[] => [
      { kind: "reads", name: `KV ${name}`, ...reading(`KV_${name}`, `$KV.${name}.>`) },
      { kind: "writes", name: `KV ${name}`, address: `$KV.${name}.>`, needs: [] },
    ]),
    ...Object.entries(workers).map(([name, { stream }]): Sign => ({
      kind: "worksOn",
      name,
      address: `$JS.ACK.${stream}.${name}.>`,
      needs: [`$JS.ACK.*.*.${stream}.${name}.>`, `$JS.API.CONSUMER.MSG.NEXT.${stream}.${name}`],
    })),
    ...Object.values(queries).flatMap(({ name, asks }): Sign[] => {
      const address = `operator.query.*.${name}`;
      const inboxes = asks.map((asker) => `_INBOX_${asker}.>`);
      return [
        { kind: "asks", name, address, needs: [] },
        { kind: "answers", name, address: `hear ${address}`, needs: inboxes },
      ];
    }),
    { kind: "reads", name: "`operator.>` as it's said", address: "hear operator.>", needs: [] },
    { kind: "writes", name: "every stream, bucket and worker", address: "$JS.API.>", needs: [] },
  ];
}
