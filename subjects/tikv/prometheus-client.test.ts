import { afterAll, expect, test } from "vitest";
import { PrometheusClient, prometheusDispatcher, PrometheusError } from "./prometheus-client.ts";
import { startPrometheus } from "./prometheus.fixture.ts";
import { serve } from "./recorded.fixture.ts";

const dispatcher = prometheusDispatcher();
afterAll(() => dispatcher.destroy());

const inTime = () => AbortSignal.timeout(5_000);
const client = ({ url }: { url: string }) => new PrometheusClient(url, dispatcher);

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    return `no error: ${JSON.stringify(await promise)}`;
  } catch (error) {
    if (error instanceof PrometheusError) return error.code;
    throw error;
  }
}

test("values, courses and refusals of a real Prometheus", async () => {
  await using prometheus = await startPrometheus([]);
  const real = client(prometheus);
  expect(await real.query('label_replace(vector(2.5), "a", "b", "", "")', inTime())).toEqual([
    { labels: { a: "b" }, value: 2.5 },
  ]);
  // Neither is a value.
  expect(await real.query("vector(0/0) or vector(1/0)", inTime())).toEqual([]);
  expect(await real.query("absent_metric", inTime())).toEqual([]);
  expect(await codeOf(real.query("sum(", inTime()))).toBe("PROMETHEUS_BAD_DATA");
  expect(await codeOf(real.query("1", inTime()))).toBe("PROMETHEUS_ANSWER");

  const endMs = 1_795_000_000_000;
  const [minute] = await real.range("vector(time())", { minutes: 1, endMs }, inTime());
  expect(minute?.points.length).toBe(61);
  expect(minute?.points.at(-1)).toEqual({ atMs: endMs, value: endMs / 1_000 });
  const [day] = await real.range("vector(time())", { minutes: 1_440, endMs }, inTime());
  expect(day?.points.length).toBe(239);
});

test("the time that Prometheus may take is told to it as well", async () => {
  await using prometheus = await serve((_, response) => response.end("{}"));
  await codeOf(client(prometheus).query("up", inTime()));
  expect(prometheus.asked).toMatchObject([{ method: "POST", path: "/api/v1/query", body: "query=up&timeout=800ms" }]);
});

test.each([
  { name: "a gateway's page", status: 502, body: "<html>", code: "PROMETHEUS_HTTP_502" },
  {
    name: "something else",
    status: 200,
    body: '{"status":"success","data":{"resultType":"matrix"}}',
    code: "PROMETHEUS_ANSWER",
  },
  { name: "no JSON", status: 200, body: "ok", code: "PROMETHEUS_ANSWER" },
  {
    name: "that it ran out of time",
    status: 503,
    body: '{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}',
    code: "PROMETHEUS_TIMEOUT",
  },
])("an answer that is $name has the code $code", async ({ status, body, code }) => {
  await using other = await serve((_, response) => response.writeHead(status).end(body));
  expect(await codeOf(client(other).query("up", inTime()))).toBe(code);
});

test("an answer of sixteen megabytes is read, a longer one isn't", async () => {
  const lengthMax = 16_777_216;
  const [head, tail] = ['{"status":"success","data":{"resultType":"vector","result":[]},"x":"', '"}'];
  const read = async (length: number) => {
    await using other = await serve((_, response) =>
      response.end(`${head}${"x".repeat(length - head.length - tail.length)}${tail}`),
    );
    return await client(other).query("up", AbortSignal.timeout(30_000));
  };
  expect(await read(lengthMax)).toEqual([]);
  expect(await codeOf(read(lengthMax + 1))).toBe("UND_ERR_RES_EXCEEDED_MAX_SIZE");
});

test("one that is silent, or away, is an error in time", async () => {
  const silent = await serve(() => {});
  expect(await codeOf(client(silent).query("up", AbortSignal.timeout(50)))).toBe("TIMEOUT");
  await silent[Symbol.asyncDispose]();
  expect(await codeOf(client(silent).query("up", inTime()))).toBe("ECONNREFUSED");
});
