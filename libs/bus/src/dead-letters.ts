import type { Channel } from "@operator/contracts/channel";
import { DeadLetter } from "@operator/contracts/dead-letter";
import { flow } from "@operator/contracts/flow";
import { headers } from "@nats-io/transport-node";
import { type Raw, seal } from "./envelope.ts";
import type { Bus } from "./bus.ts";
import type { Delivery } from "./delivery.ts";
import { BusError } from "./failure.ts";
import { send, store } from "./publish.ts";

/** More than this of a body isn't kept: base64 of it and the headers must fit a message. */
const bodyBytesMax = 2 * 1024 * 1024;

/**
 * Publishes a message that couldn't be read or carried out. Goes on trying until it's stored or the signal fires, as
 * nobody may pass over the message before. A user that may send none (a person's command) only logs it.
 */
export async function bury(
  bus: Bus,
  channel: Pick<Channel, "name">,
  raw: Raw & Pick<Delivery, "stream" | "sequence" | "deliveries">,
  why: { code: string; reason: string },
  signal: AbortSignal,
): Promise<void> {
  const letter = letterOf(bus.user, channel.name, raw, why);
  const { log, counters } = bus.link;
  log({ level: "error", msg: "dead letter", channel: channel.name, id: letter.id, code: why.code, reason: why.reason });
  counters.deadLetter?.(channel.name, why.code);
  if (!flow.dead.senders.some((user) => user === bus.user)) return;
  const sealed = await seal(flow.dead, letter, bus);
  await send(bus.link, flow.dead.name, sealed, { deadlineMs: Infinity, signal });
}

function letterOf(
  service: string,
  channel: string,
  raw: Raw & Pick<Delivery, "stream" | "sequence" | "deliveries">,
  why: { code: string; reason: string },
): DeadLetter {
  const named = raw.headers?.get("ce-id") || raw.headers?.get("Nats-Msg-Id") || "";
  return {
    // An id that isn't ours may be anything, and becomes part of a header and of an id.
    id: /^[\x21-\x7e]{1,700}$/.test(named) ? named : `${raw.stream}:${raw.sequence}`,
    service,
    channel,
    code: why.code,
    reason: why.reason.slice(0, 1000),
    address: raw.address,
    stream: raw.stream,
    sequence: raw.sequence,
    deliveries: raw.deliveries,
    atMs: Date.now(),
    headers: [...(raw.headers ?? [])].flatMap(([name, values]) =>
      values.map((value): [string, string] => [name, value]),
    ),
    bodyBase64: Buffer.from(raw.body.subarray(0, bodyBytesMax)).toString("base64"),
    bytes: raw.body.length,
    truncated: raw.body.length > bodyBytesMax,
  };
}

/** Sends a dead letter's original again, to its address, under the id `<id>:replay:<n>`. The user must be one who may. */
export async function replay(
  adminBus: Bus,
  letter: DeadLetter,
  n: number,
): Promise<{ sequence: number; stored: "new" | "repeat" }> {
  const { id, address, bodyBase64, bytes, truncated } = DeadLetter.parse(letter);
  if (truncated) {
    throw new BusError(
      "TRUNCATED",
      `dead letter ${id}: only ${bodyBytesMax} of its ${bytes} bytes were kept; send it anew`,
    );
  }
  const original = headers();
  for (const [name, value] of letter.headers) original.append(name, value);
  original.set("Nats-Msg-Id", `${id}:replay:${n}`);
  const body = Buffer.from(bodyBase64, "base64");
  const { sequence, duplicate } = await adminBus.link.insist(`replay ${id} to ${address}`, () =>
    store(adminBus.link, address, body, original),
  );
  return { sequence, stored: duplicate ? "repeat" : "new" };
}
