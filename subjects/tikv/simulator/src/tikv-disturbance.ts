import { z } from "zod";

const ttlMs = z.int().positive().max(3_600_000);

/** What can be done to a simulated store on its status port; each ends by itself. */
const Disturbance = {
  disk: z.strictObject({ usedPercent: z.number().min(0).max(100), ttlMs }),
  slow: z.strictObject({ score: z.number().min(1).max(100), latencyMs: z.number().min(0).max(60_000), ttlMs }),
  "pd-link": z.strictObject({ cut: z.literal(true), ttlMs }),
};
export type DisturbanceName = keyof typeof Disturbance;

/** What is on, and until when. */
export class Disturbances {
  #disk: { usedPercent: number; untilMs: number } | undefined;
  #slow: { score: number; latencyMs: number; untilMs: number } | undefined;
  #pdLink: { cut: true; untilMs: number } | undefined;

  get disk(): { usedPercent: number; untilMs: number } | undefined {
    return lasting(this.#disk);
  }

  get slow(): { score: number; latencyMs: number; untilMs: number } | undefined {
    return lasting(this.#slow);
  }

  get isPdLinkCut(): boolean {
    return lasting(this.#pdLink) !== undefined;
  }

  get on(): Record<string, unknown> {
    const pdLink = lasting(this.#pdLink);
    return {
      ...(this.disk === undefined ? {} : { disk: this.disk }),
      ...(this.slow === undefined ? {} : { slow: this.slow }),
      ...(pdLink === undefined ? {} : { "pd-link": pdLink }),
    };
  }

  /** Sets it; a text says what's wrong with the body. */
  set(name: DisturbanceName, body: unknown): string | undefined {
    const read = Disturbance[name].safeParse(body);
    if (!read.success) return `${name} can't be set so: ${z.prettifyError(read.error)}`;
    const untilMs = Date.now() + read.data.ttlMs;
    if ("usedPercent" in read.data) this.#disk = { usedPercent: read.data.usedPercent, untilMs };
    else if ("score" in read.data) this.#slow = { score: read.data.score, latencyMs: read.data.latencyMs, untilMs };
    else this.#pdLink = { cut: true, untilMs };
    return undefined;
  }

  clear(name: DisturbanceName): void {
    if (name === "disk") this.#disk = undefined;
    else if (name === "slow") this.#slow = undefined;
    else this.#pdLink = undefined;
  }
}

export function isDisturbance(name: string): name is DisturbanceName {
  return name in Disturbance;
}

function lasting<T extends { untilMs: number }>(disturbance: T | undefined): T | undefined {
  return disturbance !== undefined && disturbance.untilMs > Date.now() ? disturbance : undefined;
}
