import { loadRoom } from "@operator/subject/load";
import { expect, test } from "vitest";
import { manyStores } from "./tikv-stores.ts";

test("so many stores in all, each at an address of its own, each known to PD's layout and to Prometheus", async () => {
  const { processes } = await loadRoom("tikv", "processes");
  const ports = Object.fromEntries(processes.ports.map((name, at) => [name, 15_000 + at]));
  const adjust = manyStores(1_000, { hosts: ["tikv-1", "tikv-2"], singles: 1, regions: 3_000 });
  const specs = processes.specs({ ports, folder: "/nowhere", secrets: {} }).map(adjust);

  const hosted = specs.map(({ environment }) => environment["TIKV_SIMULATOR_STORES"]?.split(",") ?? []);
  expect(hosted.map(({ length }) => length).filter((length) => length > 0)).toEqual([500, 499, 1]);
  const addresses = hosted.flat().flatMap((pair) => pair.split("="));
  expect(new Set(addresses).size).toBe(2_000);
  const counts = specs.flatMap(({ environment }) => environment["TIKV_SIMULATOR_STORE_COUNT"] ?? []);
  expect(counts).toEqual(["1000", "1000", "1000"]);
  const scraped = specs.flatMap(({ files }) => Object.values(files ?? {})).join("");
  const statuses = hosted.flat().map((pair) => pair.split("=")[1] ?? "");
  expect(statuses.filter((status) => !scraped.includes(`"${status}"`))).toEqual([]);
});
