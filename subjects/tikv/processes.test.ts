import { expect, test } from "vitest";
import { processes } from "./processes.ts";
import { readSettings } from "./settings.ts";

const ports = Object.fromEntries(processes.ports.map((name, at) => [name, 5_000 + at]));
const specs = processes.specs({ ports, folder: "/tmp/x", secrets: {} });

test("three PD members, three stores, one Prometheus, one load, in the order of their start", () => {
  expect(specs.map(({ name, target, kind }) => [name, target, kind])).toEqual([
    ["pd-1", "pd-1", "pd"],
    ["pd-2", "pd-2", "pd"],
    ["pd-3", "pd-3", "pd"],
    ["tikv-1", "tikv-1", "store"],
    ["tikv-2", "tikv-2", "store"],
    ["tikv-3", "tikv-3", "store"],
    ["prometheus", "prometheus", "prometheus"],
    ["load", undefined, undefined],
  ]);
});

test("what is a target is labelled as such, so that faults touch nothing else", () => {
  for (const { target, labels } of specs) expect(labels["operator.target"]).toBe(target);
});

test("Prometheus scrapes every member once a second: PD by its client address, a store by its status address", () => {
  const prometheus = specs.find(({ name }) => name === "prometheus");
  const config: unknown = JSON.parse(prometheus?.files?.["prometheus.yaml"] ?? "");
  expect(config).toEqual({
    global: { scrape_interval: "1s", scrape_timeout: "1s" },
    scrape_configs: [
      { job_name: "pd", static_configs: [{ targets: ["127.0.0.1:5000", "127.0.0.1:5002", "127.0.0.1:5004"] }] },
      { job_name: "tikv", static_configs: [{ targets: ["127.0.0.1:5007", "127.0.0.1:5009", "127.0.0.1:5011"] }] },
    ],
  });
});

test("the observer is told where everything is, and whose log is whose", () => {
  const settings = readSettings(processes.environment({ ports, secrets: {}, logFile: (name) => `/tmp/x/${name}.log` }));
  expect(settings.TIKV_PD_ENDPOINTS).toEqual([
    { name: "pd-1", url: "http://127.0.0.1:5000" },
    { name: "pd-2", url: "http://127.0.0.1:5002" },
    { name: "pd-3", url: "http://127.0.0.1:5004" },
  ]);
  expect(settings.TIKV_PROMETHEUS_URL).toBe("http://127.0.0.1:5012");
  expect(settings.TIKV_LOGS.get("pd-2")).toBe("/tmp/x/pd-2.log");
  expect(settings.TIKV_LOGS.get("127.0.0.1:5006")).toBe("/tmp/x/tikv-1.log");
  expect([...settings.TIKV_MEMBERS]).toEqual([
    ["tikv-1", "127.0.0.1:5006"],
    ["tikv-2", "127.0.0.1:5008"],
    ["tikv-3", "127.0.0.1:5010"],
  ]);
  expect(settings.TIKV_WORKLOAD_URL).toBe("http://127.0.0.1:5013");
});

test("a port that wasn't given is named", () => {
  expect(() => processes.specs({ ports: { "pd-1": 1 }, folder: "/tmp/x", secrets: {} })).toThrow(
    /no port for "pd-1-peer"/,
  );
});
