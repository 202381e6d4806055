import type { VerdictLine } from "@operator/contracts/verdicts";
import type { Seen } from "./watch.ts";

/** Whoever watches waits so long without a word. */
const graceToldMs = 2_000;

/** Who did what, in the words of the story. `key`: the same thing said again, which is told once. */
export interface Told {
  key: string;
  by: string;
  text: string;
  ticket?: string;
}

/** What something that was seen on the bus adds to the story; undefined when nothing. */
export function tellingOf(seen: Seen, isNewTicket: (id: string) => boolean): Told | undefined {
  switch (seen.kind) {
    case "fault":
      return ofFault(seen.message);
    case "violation": {
      const { invariant, target, state, sinceMs, summary, explainedBy } = seen.message;
      const explained = explainedBy.length > 0 ? `, explained by ${explainedBy.join(", ")}: no ticket of its own` : "";
      const text = `${invariant} of ${target} is ${state}: ${summary}${explained}`;
      return { key: `${invariant}/${target}/${state}/${sinceMs}`, by: "checker", text };
    }
    case "ticket": {
      const { id, status, closedBy } = seen.message;
      if (status === "closed") {
        return { key: `${id}/closed`, by: "ticketer", text: `ticket closed by ${closedBy ?? "nobody"}`, ticket: id };
      }
      return isNewTicket(id) ? { key: `${id}/open`, by: "ticketer", text: "ticket opened", ticket: id } : undefined;
    }
    case "diagnosis": {
      if (seen.message.phase !== "finished") return undefined;
      const { ticket, attempt, by, result } = seen.message;
      const text =
        result.kind === "failed"
          ? `no diagnosis: ${result.code}: ${result.message}`
          : `${result.kind === "ungrounded" ? "ungrounded: " : ""}${result.diagnosis.answer.headline}`;
      return { key: `${ticket}/${attempt}/finished`, by, text, ticket };
    }
    case "action": {
      const { id, state, proposal, ticket, steps } = seen.message;
      const last = steps.at(-1);
      const why = last === undefined ? "" : `: ${last.code === undefined ? "" : `${last.code}: `}${last.text}`;
      const text = `${proposal.action} of ${proposal.target} ${state}${why}`;
      return { key: `${id}/${state}`, by: last?.by ?? "actuator", text, ticket };
    }
    case "snapshot": {
      if (seen.message.cause !== "change") return undefined;
      const text = "a probe changed its mind: a snapshot goes out at once";
      return { key: `snapshot/${seen.message.epoch}/${seen.message.n}`, by: "observer", text };
    }
    case "verdicts":
      return ofGrace(seen.message.lines);
    default:
      return undefined;
  }
}

function ofFault({ id, phase, text }: Extract<Seen, { kind: "fault" }>["message"]): Told | undefined {
  if (phase === "planned" || phase === "injecting" || phase === "reverting") return undefined;
  return { key: `${id}/${phase}`, by: "chaos", text: `${phase}: ${text}` };
}

/** What is broken and hasn't fired: of rules that wait for minutes nothing would be heard meanwhile. */
function ofGrace(lines: VerdictLine[]): Told | undefined {
  const waiting = lines.find(({ graceLeftMs = 0 }) => graceLeftMs > graceToldMs);
  if (!waiting) return undefined;
  const { invariant, target, sinceMs, graceLeftMs = 0 } = waiting;
  const text = `${invariant} of ${target} is broken, and fires in ${Math.round(graceLeftMs / 1_000)} s unless it mends`;
  return { key: `${invariant}/${target}/pending/${sinceMs}`, by: "checker", text };
}
