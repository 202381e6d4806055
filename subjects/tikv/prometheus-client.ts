import { Agent, type Dispatcher, request } from "undici";
import { z } from "zod";

const answerBytesMax = 16_777_216;
/** What Prometheus is told beside our own limit, so that it doesn't go on for nobody. */
const serverTimeoutMs = 800;
/** Prometheus refuses more than 11,000 points of a series; nobody looks at so many. */
const pointsMax = 240;

/** Why Prometheus gave no values. */
export class PrometheusError extends Error {
  /**
   * `PROMETHEUS_` and its own `errorType`, e.g. `PROMETHEUS_TIMEOUT`, `PROMETHEUS_BAD_DATA`; `PROMETHEUS_HTTP_502` for
   * another's answer; `PROMETHEUS_ANSWER` for one that isn't its API's; `TIMEOUT`; the connection's, e.g. `ECONNREFUSED`.
   */
  readonly code: string;
  constructor(code: string, message: string) {
    super(message.slice(0, 500));
    this.code = code;
  }
}

const Labels = z.record(z.string(), z.string());
const Point = z.tuple([z.number(), z.string()]);
const Vector = z.object({
  resultType: z.literal("vector"),
  result: z.array(z.object({ metric: Labels, value: Point })),
});
const Matrix = z.object({
  resultType: z.literal("matrix"),
  result: z.array(z.object({ metric: Labels, values: z.array(Point) })),
});
const Success = z.object({ status: z.literal("success"), data: z.unknown() });
const Failure = z.object({ status: z.literal("error"), errorType: z.string(), error: z.string() });

export interface Sample {
  labels: Record<string, string>;
  value: number;
}

export interface Series {
  labels: Record<string, string>;
  points: { atMs: number; value: number }[];
}

export function prometheusDispatcher(): Agent {
  return new Agent({
    connections: 2,
    pipelining: 1,
    connect: { timeout: serverTimeoutMs },
    maxResponseSize: answerBytesMax,
  });
}

/** Prometheus' HTTP API. What is NaN or infinite is left out, as what is absent: neither is a value. */
export class PrometheusClient {
  readonly #url: string;
  readonly #dispatcher: Dispatcher;

  /** An address like `http://127.0.0.1:9090`. The dispatcher is its giver's to close. */
  constructor(url: string, dispatcher: Dispatcher) {
    this.#url = url;
    this.#dispatcher = dispatcher;
  }

  /** The values now. Throws a PrometheusError. */
  async query(promql: string, signal: AbortSignal): Promise<Sample[]> {
    const { result } = await this.#ask("query", { query: promql }, Vector, signal);
    return result.flatMap(({ metric, value: [, text] }) => {
      const value = Number(text);
      return Number.isFinite(value) ? [{ labels: metric, value }] : [];
    });
  }

  /** The course over the last so many minutes, of at most 240 points a series. Throws a PrometheusError. */
  async range(
    promql: string,
    { minutes, endMs }: { minutes: number; endMs: number },
    signal: AbortSignal,
  ): Promise<Series[]> {
    const stepS = Math.max(1, Math.ceil((minutes * 60) / (pointsMax - 1)));
    const about = {
      query: promql,
      start: String(endMs / 1_000 - minutes * 60),
      end: String(endMs / 1_000),
      step: String(stepS),
    };
    const { result } = await this.#ask("query_range", about, Matrix, signal);
    return result.map(({ metric, values }) => ({
      labels: metric,
      points: values.flatMap(([atS, text]) => {
        const value = Number(text);
        return Number.isFinite(value) ? [{ atMs: Math.round(atS * 1_000), value }] : [];
      }),
    }));
  }

  async #ask<Schema extends z.ZodType>(
    what: "query" | "query_range",
    about: Record<string, string>,
    schema: Schema,
    signal: AbortSignal,
  ): Promise<z.infer<Schema>> {
    const url = `${this.#url}/api/v1/${what}`;
    let answered: { status: number; text: string };
    try {
      const { statusCode, body } = await request(url, {
        dispatcher: this.#dispatcher,
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams({ ...about, timeout: `${serverTimeoutMs}ms` }).toString(),
        signal,
      });
      answered = { status: statusCode, text: await body.text() };
    } catch (error) {
      if (signal.aborted) throw new PrometheusError("TIMEOUT", `POST ${url}: no answer in time`);
      const why = error instanceof Error ? error : new Error(String(error));
      const code = "code" in why && typeof why.code === "string" ? why.code : why.name;
      throw new PrometheusError(code, `POST ${url} failed: ${why.message === "" ? code : why.message}`);
    }
    return valuesIn(answered, url, schema);
  }
}

function valuesIn<Schema extends z.ZodType>(
  { status, text }: { status: number; text: string },
  url: string,
  schema: Schema,
): z.infer<Schema> {
  const said = json(text);
  const failure = Failure.safeParse(said);
  if (failure.success) {
    const { errorType, error } = failure.data;
    throw new PrometheusError(`PROMETHEUS_${errorType.toUpperCase()}`, `POST ${url} answered ${status}: ${error}`);
  }
  if (status !== 200) throw new PrometheusError(`PROMETHEUS_HTTP_${status}`, `POST ${url} answered ${status}: ${text}`);
  const success = Success.safeParse(said);
  const read = schema.safeParse(success.data?.data);
  if (read.success) return read.data;
  throw new PrometheusError("PROMETHEUS_ANSWER", `POST ${url} isn't Prometheus' API: ${z.prettifyError(read.error)}`);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
