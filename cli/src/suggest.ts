/** ` (did you mean "x"?)` for the candidate nearest to a mistyped word, or nothing when none is near. */
export function suggestion(word: string, candidates: readonly string[]): string {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.floor(word.length * 0.4)) + 1;
  for (const candidate of candidates.slice(0, candidatesMax)) {
    const distance = distanceOf(word.slice(0, wordMax), candidate.slice(0, wordMax));
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best === undefined ? "" : ` (did you mean "${best}"?)`;
}

// Quadratic in the word and linear in the candidates: both are what somebody else may have written.
const candidatesMax = 2_000;
const wordMax = 128;

/** Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other. */
function distanceOf(from: string, to: string): number {
  let [beforeLast, last] = [[] as readonly number[], Array.from({ length: to.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= from.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const same = from[i - 1] === to[j - 1] ? 0 : 1;
      let best = Math.min((row[j - 1] ?? 0) + 1, (last[j] ?? 0) + 1, (last[j - 1] ?? 0) + same);
      if (i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1])
        best = Math.min(best, (beforeLast[j - 2] ?? 0) + 1);
      row.push(best);
    }
    [beforeLast, last] = [last, row];
  }
  return last[to.length] ?? 0;
}
