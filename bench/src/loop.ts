import { type Figure, type Measuring } from "./figures.ts";
import { measureFootprint } from "./footprint.ts";
import { measureHops } from "./hops.ts";
import { measureHot } from "./hot.ts";
import { measureKill } from "./kill.ts";
import { measureKillSwitch } from "./kill-switch.ts";
import { measurePause } from "./pause.ts";
import type { Measured } from "./report.ts";
import { measureTickets } from "./tickets.ts";

/** The figures of the loop, in the order of the report. */
const figures: Record<string, (measuring: Measuring) => Promise<Figure>> = {
  kill: measureKill,
  pause: measurePause,
  hops: measureHops,
  tickets: measureTickets,
  hot: measureHot,
  footprint: measureFootprint,
  "kill-switch": measureKillSwitch,
};
export const figureNames = Object.keys(figures);

/** Measures one figure after the other. One that fails is a figure not reached, and keeps nobody from the next. */
export async function measureLoop(names: readonly string[], measuring: Measuring): Promise<Measured[]> {
  return await measureEach(figures, names, measuring);
}

/** Measures some of these figures one after the other. */
export async function measureEach(
  all: Record<string, (measuring: Measuring) => Promise<Figure>>,
  names: readonly string[],
  measuring: Measuring,
): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const name of names) {
    const measure = all[name];
    if (!measure) throw new Error(`no figure "${name}": there are ${Object.keys(all).join(", ")}`);
    measuring.say(`${name} …`);
    measured.push(await measureOne(name, () => measure(measuring), measuring));
  }
  return measured;
}

export async function measureOne(
  name: string,
  measure: () => Promise<Figure>,
  { signal, say }: Measuring,
): Promise<Measured> {
  try {
    return await measure();
  } catch (error) {
    if (signal.aborted) throw error;
    const failed = error instanceof Error ? error.message : String(error);
    say(`${name}: ${failed}`);
    return { name, title: name, claims: [], facts: [], data: undefined, failed };
  }
}
