import { decodeJson, indentedJson } from "./exact-json.ts";
import type { Answer } from "./server.ts";

const json = "application/json; charset=UTF-8";

/** As most of PD's handlers answer: indented JSON; an error is a bare JSON string. */
export function pdJson(body: unknown, status = 200): Answer {
  return { status, type: json, body: indentedJson(body) };
}

/** As `/regions…` answers: compact, and not said to be JSON. */
export function pdStream(body: unknown): Answer {
  return { status: 200, type: "application/octet-stream", body: JSON.stringify(body) };
}

/** As the handlers that parse their input complain. */
export function pdInputError(msg: string, data: unknown = {}): Answer {
  return pdJson({ code: "input", msg, data }, 400);
}

/** As the redirector complains: plain text, without quotes. */
export function pdText(status: number, text: string): Answer {
  return {
    status,
    type: "text/plain; charset=utf-8",
    body: `${text}\n`,
    headers: { "X-Content-Type-Options": "nosniff" },
  };
}

export function notFound(): Answer {
  return pdText(404, "404 page not found");
}

export const notBootstrapped = "[PD:cluster:ErrNotBootstrapped]TiKV cluster not bootstrapped, please start TiKV first";

/** The JSON object in a body; or PD's complaint about it. */
export function readObject(body: string): { object: Record<string, unknown> } | { complaint: Answer } {
  try {
    const value = decodeJson(body);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { object: { ...value } };
    return { complaint: pdInputError("json: cannot unmarshal into Go value of type map[string]interface {}") };
  } catch {
    const offset = firstBad(body);
    const msg =
      offset === undefined
        ? "unexpected end of JSON input"
        : `invalid character '${body[offset - 1]}' looking for beginning of value`;
    return { complaint: pdInputError(msg, offset === undefined ? {} : { Offset: offset }) };
  }
}

/** What Go's ParseUint says of a path's number. */
export function parseId(text: string): { id: number } | { error: string } {
  if (/^\d{1,20}$/.test(text)) return { id: Number(text) };
  return { error: `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax` };
}

function firstBad(body: string): number | undefined {
  if (body.trim() === "") return undefined;
  for (let length = 1; length <= body.length; length++)
    if (!/^[\s[{"\-0-9tfn]/.test(body.slice(0, length))) return length;
  return undefined;
}
