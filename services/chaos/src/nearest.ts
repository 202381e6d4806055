/** At most so many names are listed: the sentence becomes part of a message. */
const listedMax = 20;

/** What is wrong with a name that isn't known, which one was probably meant, and which ones there are. */
export function notFound(what: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  const listed = known.slice(0, listedMax).join(", ");
  const more = known.length > listedMax ? ` and ${known.length - listedMax} more` : "";
  const meant = near === undefined ? "" : ` (did you mean "${near}"?)`;
  return `there is no ${what} "${name}"${meant}; there ${known.length === 0 ? "is none" : `are ${listed}${more}`}`;
}

/** The known name with the fewest slips from this one: up to a third of its letters may be wrong. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const slipsMax = Math.max(1, Math.floor(name.length / 3));
  const ranked = known.map((one) => ({ one, slips: slipsBetween(name, one) })).sort((a, b) => a.slips - b.slips);
  const [best] = ranked;
  return best && best.slips <= slipsMax ? best.one : undefined;
}

/** Letters to add, drop or replace until both are alike. */
function slipsBetween(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (const [i, letter] of Array.from(a).entries()) {
    const row = [i + 1];
    for (const [j, other] of Array.from(b).entries()) {
      const replaced = (above[j] ?? 0) + (letter === other ? 0 : 1);
      row.push(Math.min((above[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1, replaced));
    }
    above = row;
  }
  return above.at(-1) ?? 0;
}
