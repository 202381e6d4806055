import { join } from "node:path";
import { expect, test } from "vitest";
import { neededBytes } from "./memory.ts";
import { variableOf } from "./port-variable.ts";
import { topologyIn } from "./topology.ts";

const volumes = [{ type: "bind", source: "/project/.operator/compose", target: "/desk" }];
const config = {
  name: "operator",
  services: {
    init: { image: "operator:local", build: { context: ".." }, mem_limit: "300", volumes },
    nats: {
      image: "nats:2.15-alpine",
      depends_on: { init: { condition: "service_completed_successfully", required: true } },
      ports: [{ mode: "ingress", host_ip: "127.0.0.1", target: 4222, published: "14522", protocol: "tcp" }],
      mem_limit: "900",
    },
    load: { image: "operator:local", depends_on: { nats: { condition: "service_healthy" } }, mem_limit: 300, scale: 2 },
    grafana: { image: "grafana", profiles: ["grafana"], deploy: { replicas: 1 } },
    idle: {},
  },
};

test("the topology is what the compose files say", () => {
  const { project, services, desk } = topologyIn(JSON.stringify(config));
  expect(desk).toBe("/project/.operator/compose");
  expect(project).toBe("operator");
  expect(services.filter(({ isJob }) => isJob).map(({ name }) => name)).toEqual(["init"]);
  expect(services.filter(({ isBuilt }) => isBuilt).map(({ name }) => name)).toEqual(["init"]);
  expect(services.filter(({ isOptional }) => isOptional).map(({ name }) => name)).toEqual(["grafana"]);
  expect(services.map(({ count }) => count)).toEqual([1, 1, 2, 1, 1]);
  expect(services.find(({ name }) => name === "idle")).toMatchObject({
    image: "operator-idle",
    memoryMaxBytes: 0,
    ports: [],
  });
  expect(services.find(({ name }) => name === "nats")?.ports).toEqual([
    { address: "127.0.0.1", port: 14_522, target: 4222 },
  ]);
});

test("memory is needed for what doesn't run yet, a third of its limit, and not for jobs", () => {
  const { services } = topologyIn(JSON.stringify(config));
  expect(neededBytes(services, [])).toBeCloseTo((900 + 2 * 300) / 3);
  const load = {
    id: "a",
    name: "operator-load-1",
    service: "load",
    state: "running",
    health: "none" as const,
    exitCode: 0,
    sinceMs: 1,
    restarts: 0,
    isOutOfMemory: false,
    healthSays: "",
    ports: [],
  };
  expect(neededBytes(services, [load, { ...load, state: "exited" }])).toBeCloseTo((900 + 300) / 3);
});

test("the variable that moves a port is the one in the project's own compose files", () => {
  const root = join(import.meta.dirname, "..", "..", "..");
  expect(variableOf(root, 4222)).toBe("OPERATOR_NATS_PORT");
  expect(variableOf(root, 9090)).toBe("OPERATOR_PROMETHEUS_PORT");
  expect(variableOf(root, 1)).toBeUndefined();
});
