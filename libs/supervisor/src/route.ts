import { FaultId } from "@operator/contracts/chaos";
import { z } from "zod";
import { quoted, Refusal } from "./supervisor-error.ts";

const MemberVerb = z.enum(["kill", "pause", "unpause", "stop", "start", "disconnect", "connect"]);
type MemberVerb = z.infer<typeof MemberVerb>;

/** What is asked, by method and path alone: who may not ask it is refused before a body is read. */
export type Route =
  | { verb: "list" }
  | { [Verb in MemberVerb]: { verb: Verb; target: string } }[MemberVerb]
  | { verb: "revert"; fault: string };

/**
 * The path is taken as it was sent: nothing is resolved, so `..` is a target like any other that isn't there. A part is
 * decoded once, after the path was split. Throws `PATH_UNKNOWN`, `BAD_PATH`.
 */
export function routeOf(method: string, path: string): Route {
  if (method === "GET" && path === "/members") return { verb: "list" };
  if (method === "POST") {
    const [, target = "", name] = /^\/members\/([^/?#]+)\/([a-z]+)$/.exec(path) ?? [];
    const verb = MemberVerb.safeParse(name);
    if (verb.success) return { verb: verb.data, target: decoded(target) };
    const fault = /^\/faults\/([^/?#]+)\/revert$/.exec(path)?.[1];
    if (fault !== undefined) return { verb: "revert", fault: decoded(fault) };
  }
  throw new Refusal(
    "PATH_UNKNOWN",
    `${method} ${quoted(path)}: there are GET /members, POST /members/<target>/<${MemberVerb.options.join("|")}> and ` +
      "POST /faults/<id>/revert",
  );
}

/** What kill and pause need: the fault's id, and how many milliseconds it lasts. */
const Order = z.strictObject({ fault: FaultId, forMs: z.number() });
export type Order = z.infer<typeof Order>;

/** Throws `BAD_JSON`, `BAD_BODY`. */
export function orderOf(body: string): Order {
  return parsed(Order, body);
}

/** A network of the member, by its name. */
const OfNetwork = z.strictObject({ network: z.string().min(1) });
/** What disconnect needs: a fault's order, and the network. */
const NetworkOrder = Order.extend(OfNetwork.shape);

/** Throws `BAD_JSON`, `BAD_BODY`. */
export function networkOrderOf(body: string): z.infer<typeof NetworkOrder> {
  return parsed(NetworkOrder, body);
}

/** What connect needs. Throws `BAD_JSON`, `BAD_BODY`. */
export function networkOf(body: string): string {
  return parsed(OfNetwork, body).network;
}

/** Other verbs have no body, or an empty object. Throws `BAD_JSON`, `BAD_BODY`. */
export function expectNothing(body: string): void {
  if (body !== "") parsed(z.strictObject({}), body);
}

function parsed<T>(schema: z.ZodType<T>, body: string): T {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw new Refusal("BAD_JSON", `the body ${quoted(body)} is no JSON`);
  }
  const result = schema.safeParse(json);
  if (!result.success) throw new Refusal("BAD_BODY", `the body ${quoted(json)}: ${z.prettifyError(result.error)}`);
  return result.data;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new Refusal("BAD_PATH", `${quoted(part)} is no percent-encoded text`);
  }
}
