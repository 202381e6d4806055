import type { Shell } from "../shell.ts";
import { lengthOf } from "../terminal/ages.ts";
import { type Line, span, toText } from "../terminal/page.ts";
import { safeJson, safeText } from "../terminal/safe-text.ts";
import { cutTo } from "../terminal/width.ts";
import type { NamedStanding } from "./launch.ts";
import { isBegun } from "./standing.ts";

/** What a person sees while something takes long. */
export interface Progress {
  /** What is done from now on. */
  step(text: string): void;
  /** The newest word of whoever does it. */
  word(text: string): void;
  /** How all services are now. */
  standings(standings: readonly NamedStanding[]): void;
  /** Nothing is under way any more. */
  end(): void;
}

/** One event a line; in place on a terminal; else a line for each change. */
export function progressOn(shell: Shell, { json = false }: { json?: boolean | undefined }): Progress {
  if (json) return jsonProgress(shell);
  return shell.isTerminal ? liveProgress(shell) : plainProgress(shell);
}

function jsonProgress({ out, nowMs }: Shell): Progress {
  const say = (type: string, fields: object) => out(`${safeJson({ type, atMs: nowMs(), ...fields })}\n`);
  const changed = changesOf();
  return {
    step: (text) => say("step", { text }),
    word: (text) => say("word", { text }),
    standings: (all) => changed(all).forEach((standing) => say("service", standing)),
    end: () => {},
  };
}

function plainProgress({ out, hasColour }: Shell): Progress {
  const say = (line: Line) => out(toText([line], hasColour));
  const changed = changesOf();
  const started = performance.now();
  let saidMs = Number.NEGATIVE_INFINITY;
  return {
    step: (text) => say([text]),
    // A build has hundreds: enough of them to see that it goes on.
    word: (text) => {
      if (performance.now() < saidMs + wordsEveryMs) return;
      saidMs = performance.now();
      say(["  ", span(text.trim(), "dim")]);
    },
    standings: (all) => changed(all).forEach((standing) => say(lineOf(standing, started))),
    end: () => {},
  };
}

/** Above what is done, for good; below one line of what isn't, drawn again and again. */
function liveProgress({ out, hasColour, columns }: Shell): Progress {
  const changed = changesOf();
  const started = performance.now();
  let [doing, newest] = ["", ""];
  let timer: NodeJS.Timeout | undefined;
  const draw = () => {
    const took = lengthOf(performance.now() - started);
    const text = cutTo(safeText(`  ${took}  ${doing}${newest === "" ? "" : `: ${newest}`}`), columns - 1);
    out(`\r\x1b[K${toText([[span(text, "dim")]], hasColour).trimEnd()}`);
  };
  const above = (line: Line) => out(`\r\x1b[K${toText([line], hasColour)}`);
  return {
    step: (text) => {
      [doing, newest] = [text, ""];
      timer ??= setInterval(draw, 500);
      draw();
    },
    word: (text) => {
      newest = text.trim();
    },
    standings: (all) => {
      for (const standing of changed(all)) if (standing.is !== "coming") above(lineOf(standing, started));
      const coming = all.filter(({ is }) => is === "coming");
      // The line is cut at its end: those that are under way come first.
      const waiting = [...coming.filter(isBegun), ...coming.filter((one) => !isBegun(one))];
      const names = waiting.map(({ service }) => service);
      newest = `${all.length - coming.length} of ${all.length} up, waiting for ${names.join(", ")}`;
      if (coming.length > 0) draw();
    },
    end: () => {
      clearInterval(timer);
      if (timer) out("\r\x1b[K");
      timer = undefined;
    },
  };
}

const wordsEveryMs = 2_000;
const looks = { up: ["✓", "good"], coming: ["…", "dim"], broken: ["✖", "bad"] } as const;

function lineOf({ service, is, says }: NamedStanding, startedMs: number): Line {
  const [glyph, style] = looks[is];
  const took = lengthOf(performance.now() - startedMs);
  return ["  ", span(glyph, style), ` ${service.padEnd(22)}${says.padEnd(15)} `, span(took, "dim")];
}

/** Those that are otherwise than when it was asked the last time. */
function changesOf(): (standings: readonly NamedStanding[]) => NamedStanding[] {
  const last = new Map<string, string>();
  return (standings) =>
    standings.filter((standing) => {
      const { service, is, says } = standing;
      const word = `${is} ${says}`;
      const isNew = last.get(service) !== word && (isBegun(standing) || last.has(service));
      last.set(service, word);
      return isNew;
    });
}
