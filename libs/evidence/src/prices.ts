/** What a call used, in tokens, as the API counts them. */
export interface Usage {
  /** Neither read from the cache nor written to it. */
  inputTokens: number;
  cacheReadTokens: number;
  cacheWriteTokens: number;
  /** The thinking included. */
  outputTokens: number;
}

/** US dollars per million tokens. */
interface Price {
  input: number;
  output: number;
  cacheRead: number;
  /** Kept for five minutes. */
  cacheWrite: number;
  /** A request with more input costs so many times as much, output included. */
  long?: { aboveTokens: number; times: number };
}

/** The API doesn't tell its prices. These are those of https://platform.claude.com/docs/en/about-claude/pricing on 2026-11-21. */
const prices: Record<string, Price> = {
  "claude-fable-5-2": { input: 8, output: 40, cacheRead: 0.2, cacheWrite: 10 },
  "claude-opus-5-5": { input: 4, output: 20, cacheRead: 0.2, cacheWrite: 5 },
  "claude-sonnet-5-5": { input: 2, output: 10, cacheRead: 0.1, cacheWrite: 2.5 },
  "claude-haiku-5-5": {
    input: 0.1,
    output: 0.5,
    cacheRead: 0.01,
    cacheWrite: 0.125,
    long: { aboveTokens: 100_000, times: 5 },
  },
};

const perToken = 1e-6;

/** No text has more tokens than half its bytes, in whatever language; most have a quarter or a third. */
const bytesPerTokenMin = 2;
const bytesPerTokenMostly = 3;

/** What one call would use, told from its size alone. US dollars; the cache isn't counted on. */
export interface Estimate {
  bytes: number;
  question: { tokens: number; usd: number };
  /** With the longest answer, its thinking included, and the question as dear as it can be. */
  most: { answerTokens: number; usd: number };
}

/** US dollars for a call. A model that isn't in the table costs as much as the dearest one that is. */
export function usdOf(model: string, usage: Usage): number {
  const { input, output, cacheRead, cacheWrite, long } = priceOf(model);
  const { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens } = usage;
  const times = long && inputTokens + cacheReadTokens + cacheWriteTokens > long.aboveTokens ? long.times : 1;
  const sum = inputTokens * input + outputTokens * output + cacheReadTokens * cacheRead + cacheWriteTokens * cacheWrite;
  return sum * times * perToken;
}

/** The most that a request can use: every byte of it written to the cache, and every token that it may answer. */
export function mostOf(request: { max_tokens: number }): Usage {
  return {
    inputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: Math.ceil(bytesOf(request) / bytesPerTokenMin),
    outputTokens: request.max_tokens,
  };
}

/** What asking would cost, before anyone is asked. */
export function estimateOf(model: string, request: { max_tokens: number }): Estimate {
  const bytes = bytesOf(request);
  const tokens = Math.ceil(bytes / bytesPerTokenMostly);
  const question = { inputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: tokens, outputTokens: 0 };
  return {
    bytes,
    question: { tokens, usd: usdOf(model, question) },
    most: { answerTokens: request.max_tokens, usd: usdOf(model, mostOf(request)) },
  };
}

/** How many tokens an answer to the request may have, for so much money: none when not even the question can be paid. */
export function tokensFor(model: string, request: { max_tokens: number }, usd: number): number {
  const question = usdOf(model, { ...mostOf(request), outputTokens: 0 });
  const one = usdOf(model, { ...mostOf(request), outputTokens: 1 }) - question;
  return Math.max(0, Math.floor((usd - question) / one));
}

export function isPriced(model: string): boolean {
  return Object.keys(prices).some((name) => isOf(model, name));
}

function bytesOf(request: object): number {
  return Buffer.byteLength(JSON.stringify(request));
}

function priceOf(model: string): Price {
  const known = Object.entries(prices).find(([name]) => isOf(model, name))?.[1];
  if (known) return known;
  return Object.values(prices).reduce((dearest, each) => (each.output > dearest.output ? each : dearest));
}

/** A model may be named with the day of its release behind. */
function isOf(model: string, name: string): boolean {
  return model === name || (model.startsWith(`${name}-`) && /^\d{8}$/.test(model.slice(name.length + 1)));
}
