/** One line of Prometheus' text format. */
export interface Sample {
  name: string;
  labels: Map<string, string>;
  value: number;
}

/** A page of more lines is cut, a longer line is passed over: what a target sends is bounded. */
const linesMax = 20_000;
const lineLengthMax = 4_096;

/**
 * The samples of these metrics in a page of Prometheus' text format, in its order. What isn't a sample is passed over:
 * comments, empty and broken lines.
 */
export function samplesOf(text: string, wanted: ReadonlySet<string>): Sample[] {
  const samples: Sample[] = [];
  let from = 0;
  for (let line = 0; line < linesMax && from < text.length; line += 1) {
    const end = text.indexOf("\n", from);
    const until = end === -1 ? text.length : end;
    if (until - from <= lineLengthMax) {
      const sample = sampleOf(text.slice(from, until), wanted);
      if (sample) samples.push(sample);
    }
    from = until + 1;
  }
  return samples;
}

function sampleOf(line: string, wanted: ReadonlySet<string>): Sample | undefined {
  const name = /^[A-Za-z_:][\w:]*/.exec(line)?.[0];
  if (name === undefined || !wanted.has(name)) return undefined;
  const labels = new Map<string, string>();
  let rest = line.slice(name.length).trimStart();
  if (rest.startsWith("{")) {
    rest = rest.slice(1);
    // Sticky: each step goes on where the last one ended, so a line is read once.
    const label = /\s*([A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|(?=\}))/y;
    for (let found = label.exec(rest); found; found = label.exec(rest)) {
      const [whole, key = "", value = ""] = found;
      labels.set(key, unescaped(value));
      rest = rest.slice(whole.length);
      label.lastIndex = 0;
    }
    rest = rest.trimStart();
    if (!rest.startsWith("}")) return undefined;
    rest = rest.slice(1);
  } else if (line.length > name.length && !/\s/.test(line.charAt(name.length))) return undefined;
  const [number = "", time, ...more] = rest.trim().split(/\s+/);
  const value = numberOf(number);
  if (value === undefined || more.length > 0 || (time !== undefined && !/^-?\d+$/.test(time))) return undefined;
  return { name, labels, value };
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, char: string) => (char === "n" ? "\n" : char));
}

function numberOf(text: string): number | undefined {
  const word = /^([+-]?)(inf|infinity|nan)$/i.exec(text);
  if (word) return word[2]?.toLowerCase() === "nan" ? Number.NaN : word[1] === "-" ? -Infinity : Infinity;
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;
}
