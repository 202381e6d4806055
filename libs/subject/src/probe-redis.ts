import { connect, type Socket } from "node:net";
import type { Asker, ProbeOutcome } from "./probe.ts";
import { failureOf, lateCode, notRespCode } from "./probe-failure.ts";

/**
 * Asks a Redis by an inline PING on one kept connection; any reply is an answer (`+PONG`, `-NOAUTH`, `-LOADING`):
 * somebody is there. Replies come in the order of the questions, so questions may overlap.
 */
export function redisAsker(host: string, port: number): Asker {
  let line: Line | undefined;
  let closed = false;
  let ended = false;
  let listener = () => {};

  function fresh(): Line {
    return openLine(host, port, {
      opened: () => {
        closed = false;
      },
      lost: (mine) => {
        if (line === mine) line = undefined;
        if (ended || !mine.wasOpen) return;
        closed = true;
        listener();
      },
    });
  }

  return {
    ask: (timeoutMs) =>
      new Promise<ProbeOutcome>((resolve) => {
        if (ended) return resolve({ kind: "ours", code: "PROBE_ENDED" });
        line ??= fresh();
        const asked = line;
        const askedMs = performance.now();
        const timer = setTimeout(() => answer(Object.assign(new Error("no answer"), { code: lateCode })), timeoutMs);
        let settled = false;
        const answer = (error?: Error) => {
          if (settled) return;
          settled = true;
          clearTimeout(timer);
          // A connection that stopped answering may be dead where the target isn't: the next question gets another.
          // Not at every question: what a paused server can't accept yet piles up before its door.
          if (error && line === asked && performance.now() - asked.openedMs > lineLeastMs) {
            line = undefined;
            asked.retire();
          }
          if (!error) resolve({ kind: "answered", latencyMs: performance.now() - askedMs });
          else resolve(ended ? { kind: "ours", code: "PROBE_ENDED" } : failureOf(error, closed));
        };
        asked.ask(answer);
      }),
    onClose: (hear) => {
      listener = hear;
    },
    close: () => {
      ended = true;
      line?.end();
    },
  };
}

interface Line {
  readonly openedMs: number;
  readonly wasOpen: boolean;
  ask: (answer: (error?: Error) => void) => void;
  /** Ends when its last question is answered or has failed. */
  retire: () => void;
  end: () => void;
}

function openLine(host: string, port: number, on: { opened: () => void; lost: (mine: Line) => void }): Line {
  const waiting: ((error?: Error) => void)[] = [];
  let wasOpen = false;
  let retired = false;
  let rest = "";
  let failure: Error | undefined;
  const socket: Socket = connect({ host, port, noDelay: true });
  socket.setEncoding("latin1");
  socket.on("connect", () => {
    wasOpen = true;
    on.opened();
  });
  socket.on("data", (text: string) => {
    const lines = `${rest}${text}`.split("\r\n");
    rest = lines.pop() ?? "";
    // A reply to PING is one short line; what is longer is no Redis.
    if (rest.length > replyLengthMax || lines.some((reply) => !/^[+-]/.test(reply))) {
      socket.destroy(Object.assign(new Error("the reply to PING isn't RESP"), { code: notRespCode }));
      return;
    }
    for (const answer of waiting.splice(0, lines.length)) answer();
    if (retired && waiting.length === 0) socket.destroy();
  });
  socket.on("error", (error) => {
    failure = error;
  });
  socket.on("end", () => socket.destroy());
  socket.on("close", () => {
    if (!retired) on.lost(line);
    const error = failure ?? Object.assign(new Error("the connection closed"), { code: "ECONNRESET" });
    for (const answer of waiting.splice(0)) answer(error);
  });
  const line: Line = {
    openedMs: performance.now(),
    get wasOpen() {
      return wasOpen;
    },
    ask: (answer) => {
      waiting.push(answer);
      socket.write("PING\r\n");
    },
    retire: () => {
      retired = true;
      setTimeout(() => socket.destroy(), lineLeastMs).unref();
    },
    end: () => {
      retired = true;
      socket.destroy();
    },
  };
  return line;
}

const lineLeastMs = 2_000;
const replyLengthMax = 1_024;
