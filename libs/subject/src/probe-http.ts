import { Pool } from "undici";
import type { Asker, ProbeOutcome } from "./probe.ts";
import { failureOf, lateCode } from "./probe-failure.ts";

/**
 * Asks a target by GET; any HTTP status is an answer. One connection is kept by being asked all the time; a question
 * that comes while another still waits gets a connection of its own, so that its time limit is really its own.
 */
export function httpAsker(url: string): Asker {
  const { origin, pathname, search } = new URL(url);
  const pool = new Pool(origin, {
    connections: connectionsMax,
    pipelining: 1,
    // Spare connections are ended by us before a server's idle timeout ends them, which would be a hint about nothing.
    keepAliveTimeout: spareMs,
    keepAliveMaxTimeout: spareMs,
    connect: { timeout: connectMs },
  });
  let open = 0;
  let closed = false;
  let ended = false;
  let listener = () => {};
  pool.on("connect", () => {
    open += 1;
    closed = false;
  });
  pool.on("disconnect", (_origin, _targets, error) => {
    open -= 1;
    // undici's code for what it ended itself: a question given up, an idle spare, a reply that said `Connection: close`.
    if (ended || error.code === "UND_ERR_INFO") return;
    if (open === 0) closed = true;
    listener();
  });

  return {
    ask: async (timeoutMs) => {
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(new Late()), timeoutMs);
      const askedMs = performance.now();
      try {
        const { body } = await pool.request({ path: `${pathname}${search}`, method: "GET", signal: abort.signal });
        const outcome: ProbeOutcome = { kind: "answered", latencyMs: performance.now() - askedMs };
        // The headers are the answer; reading the rest only frees the connection.
        body.dump({ limit: bodyBytesMax }).then(
          () => clearTimeout(timer),
          () => clearTimeout(timer),
        );
        return outcome;
      } catch (error) {
        clearTimeout(timer);
        return ended ? { kind: "ours", code: "PROBE_ENDED" } : failureOf(error, closed);
      }
    },
    onClose: (hear) => {
      listener = hear;
    },
    close: () => {
      ended = true;
      void pool.destroy();
    },
  };
}

/** The tick's question, one that overlaps it, one that a hint triggered. */
const connectionsMax = 3;
const spareMs = 2_000;
const connectMs = 500;
const bodyBytesMax = 65_536;

class Late extends Error {
  readonly code = lateCode;
}
