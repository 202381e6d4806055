import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Agent } from "undici";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hotSource } from "./observe-hot.ts";
import { PdClient, pdDispatcher } from "./pd-client.ts";
import { flowPath } from "./pd-regions.ts";
import { recorded, type Recorded, serveRecorded } from "./recorded.fixture.ts";
import { HotReading } from "./state.ts";

let dispatcher: Agent;
beforeEach(() => {
  dispatcher = pdDispatcher();
});
afterEach(() => dispatcher.destroy());

const base = recorded("50-pd-v8.5.5/writeflow");
const hot: string = readFileSync(join(import.meta.dirname, "recordings/30-hot-write/writeflow-75s.json"), "utf8");
/** A fourth region: with fewer none is hot. */
const fourth =
  '{"id":18446744073709551615,"peers":[{"store_id":2}],"leader":{"role_name":""},"written_bytes":1,"written_keys":1}';

function watch(pd: { url: string }, nowMs?: () => number) {
  const source = hotSource(new PdClient([pd], dispatcher), nowMs);
  return async () => {
    const reading = (await source.read(AbortSignal.timeout(1_000)))["cluster"];
    return HotReading.parse(reading && "value" in reading ? reading.value : undefined);
  };
}

test("the busiest regions, though PD says that they're no JSON, and which of them were hot lately", async () => {
  let now = 1_000_000;
  const busy = hot.trimEnd().replace(/\]\}$/, `,${fourth}]}`);
  const answers: Recorded[] = [
    { ...base, path: flowPath("write", 8), body: busy },
    { ...base, path: flowPath("read", 8), body: '{"count":0,"regions":null}' },
  ];
  await using pd = await serveRecorded(answers);
  const read = watch(pd, () => now);
  const reading = await read();
  expect(reading).toMatchObject({ read: [], lately: ["region-18"] });
  expect(reading.write[0]).toEqual({
    region: "region-18",
    leader: "store-7",
    stores: ["store-2", "store-7", "store-1"],
    writtenBytes: 100_473_577,
    writtenKeys: 105_124,
    readBytes: 0,
    readKeys: 0,
    sizeMiB: 3,
  });
  // PD doesn't know who leads it.
  expect(reading.write[3]).toEqual({
    region: "region-18446744073709551615",
    stores: ["store-2"],
    writtenBytes: 1,
    writtenKeys: 1,
    readBytes: 0,
    readKeys: 0,
    sizeMiB: 0,
  });
  answers.splice(0, 1, { ...base, path: flowPath("write", 8) });
  now += 600_000;
  expect((await read()).lately).toEqual(["region-18"]);
  now += 1;
  expect((await read()).lately).toEqual([]);
});
