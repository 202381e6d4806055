import { promisify } from "node:util";
import { constants, gunzipSync, gzip } from "node:zlib";
import { addressOf, type Channel, typeOf } from "@operator/contracts/channel";
import { headers, type MsgHdrs } from "@nats-io/transport-node";
import { z } from "zod";
import { check } from "./checked.ts";
import { BusError } from "./failure.ts";
import { newTraceparent } from "./trace.ts";

/** A message is stored in no more than this, and unfolds to no more than `openBytesMax`. */
export const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
export const openBytesMax = 8 * 1024 * 1024;
const gzipAboveBytes = 64 * 1024;

/** A message ready to travel. */
export interface Sealed {
  address: string;
  id: string;
  headers: MsgHdrs;
  body: Uint8Array;
}

/** A message as it came. */
export interface Raw {
  address: string;
  headers: MsgHdrs | undefined;
  body: Uint8Array;
}

const compress = promisify(gzip);

/** Checks a message against its channel and puts its CloudEvents attributes into headers. */
export async function seal<M>(
  channel: Channel<M>,
  message: M,
  sender: { user: string; instance: string },
): Promise<Sealed> {
  const parsed = check(channel.schema, message);
  if (!parsed.success) {
    throw new BusError("BAD_MESSAGE", `channel ${channel.name}: ${z.prettifyError(parsed.error)}`);
  }
  const [address, id] = [addressOf(channel, parsed.data), channel.id(parsed.data)];
  const attributes = headers();
  attributes.append("ce-specversion", "1.0");
  attributes.append("ce-id", id);
  attributes.append("ce-type", typeOf(channel));
  attributes.append("ce-source", `operator/${sender.user}`);
  attributes.append("ce-time", new Date().toISOString());
  attributes.append("operator-instance", sender.instance);
  attributes.append("traceparent", newTraceparent());
  attributes.append("Nats-Msg-Id", id);
  const plain = Buffer.from(JSON.stringify(parsed.data));
  let body: Uint8Array = plain;
  if (plain.length > gzipAboveBytes) {
    // The fastest level: a snapshot is sent every second and read within milliseconds.
    body = await compress(plain, { level: constants.Z_BEST_SPEED });
    attributes.set("content-encoding", "gzip");
  }
  if (body.length > MESSAGE_BYTES_MAX || plain.length > openBytesMax) {
    throw new BusError(
      "TOO_LARGE",
      `channel ${channel.name}: message ${id} has ${plain.length} bytes, ${body.length} as sent; the limits are ${openBytesMax} and ${MESSAGE_BYTES_MAX}`,
    );
  }
  return { address, id, headers: attributes, body };
}

export type Opened<M> = { ok: true; message: M; id: string } | { ok: false; code: string; reason: string };

/**
 * Reads a message, trusting nothing: the server can be made to store copies of other messages at any address, so type,
 * source and address must be the channel's own.
 */
export function open<M>(channel: Channel<M>, raw: Raw): Opened<M> {
  const refuse = (code: string, reason: string) => ({ ok: false, code, reason }) as const;
  const type = raw.headers?.get("ce-type") ?? "";
  const isPlain = channel.plain === true && type === "";
  if (!isPlain && type !== typeOf(channel)) return refuse("BAD_TYPE", `type "${type}", expected "${typeOf(channel)}"`);
  const source = raw.headers?.get("ce-source") ?? "";
  if (!isPlain && !channel.senders.some((user) => source === `operator/${user}`)) {
    return refuse("BAD_SOURCE", `source "${source}", expected operator/${channel.senders.join(" or operator/")}`);
  }
  const encoding = raw.headers?.get("content-encoding") ?? "";
  if (encoding !== "" && encoding !== "gzip") return refuse("BAD_ENCODING", `encoding "${encoding}", expected gzip`);
  let plain = raw.body;
  if (encoding === "gzip") {
    try {
      plain = gunzipSync(raw.body, { maxOutputLength: openBytesMax });
    } catch (error) {
      const tooLarge = error instanceof RangeError;
      return refuse(tooLarge ? "TOO_LARGE" : "BAD_ENCODING", `${String(error)}; the limit is ${openBytesMax} bytes`);
    }
  }
  if (plain.length > openBytesMax) return refuse("TOO_LARGE", `${plain.length} bytes, the limit is ${openBytesMax}`);
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(plain.buffer, plain.byteOffset, plain.length).toString());
  } catch (error) {
    return refuse("BAD_JSON", String(error));
  }
  const parsed = check(channel.schema, json);
  if (!parsed.success) return refuse("BAD_SCHEMA", z.prettifyError(parsed.error));
  let address: string;
  try {
    address = addressOf(channel, parsed.data);
  } catch (error) {
    return refuse("BAD_ADDRESS", String(error));
  }
  if (address !== raw.address) return refuse("BAD_ADDRESS", `came at "${raw.address}", its content says "${address}"`);
  return { ok: true, message: parsed.data, id: channel.id(parsed.data) };
}
