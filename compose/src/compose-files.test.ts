import { expect, test } from "vitest";
import { oneShots, readTopology, type Service, type Topology } from "./topology.fixture.ts";

// What the compose files promise of every container, read from the files: no engine is asked.

const topology = readTopology();
const variants = {
  real: topology,
  simulator: readTopology({ OPERATOR_TIKV: "simulator" }),
  elsewhere: readTopology({ OPERATOR_TIKV: "elsewhere" }),
};
const socket = "/var/run/docker.sock";
const megabytesMax = 4_096;
const storeStopS = 20;

/** A rule gives a complaint for each place where it's broken. */
type Rule = (topology: Topology) => string[];

const rules = {
  "an image has a tag that stays: no latest, no digest": each(({ image }) => {
    const [, tag] = /^[a-z0-9./-]+:([\w.-]+)$/.exec(image) ?? [];
    return tag === undefined || tag === "latest" ? { image } : undefined;
  }),
  "an image is built without a syntax line, whose frontend would have to be fetched": ({ dockerfiles }) =>
    Object.entries(dockerfiles).flatMap(([file, text]) => (/^#\s*syntax=/m.test(text) ? [`${file}: # syntax=`] : [])),
  "what goes on running has a health check": (topology) => {
    const once = oneShots(topology);
    return each(({ healthcheck }, name) => (once.has(name) || healthcheck ? undefined : "no healthcheck"))(topology);
  },
  "a store has more than 20 s to stop: it first has its leaders moved away": each(({ labels, stop_grace_period }) =>
    labels["operator.kind"] !== "store" || Number(/^(\d+)s$/.exec(stop_grace_period ?? "")?.[1]) > storeStopS
      ? undefined
      : { stop_grace_period },
  ),
  "memory, CPU and processes have a limit": each(({ mem_limit, cpus, pids_limit }) =>
    mem_limit && cpus && pids_limit ? undefined : { mem_limit, cpus, pids_limit },
  ),
  "all capabilities are dropped, and only init, which gives files to their owners, has some back": each(
    ({ cap_drop, cap_add }, name) =>
      cap_drop.includes("ALL") &&
      (cap_add.length === 0 || `${name} ${cap_add.join()}` === "init CHOWN,DAC_OVERRIDE,FOWNER")
        ? undefined
        : { cap_drop, cap_add },
  ),
  "the root is read-only, privileges can't be gained, orphans are reaped": each(
    ({ read_only, security_opt, init, privileged }) =>
      read_only && init && !privileged && security_opt.includes("no-new-privileges:true")
        ? undefined
        : { read_only, init, privileged, security_opt },
  ),
  "ports are published on 127.0.0.1 alone": each(({ ports, network_mode }) =>
    network_mode === "host" || ports.some((port) => !port.startsWith("127.0.0.1:"))
      ? { ports, network_mode }
      : undefined,
  ),
  "Docker's socket is the supervisor's alone": each(({ volumes }, name) =>
    // Nor a folder that it's in.
    name !== "supervisor" && volumes.some((volume) => /docker\.sock|^(\/var)?\/run\/?:|^\/(var\/?)?:/.test(volume))
      ? "has the socket"
      : undefined,
  ),
  "secrets are mounted by their own service, to read, and by init, which draws them": each((service, name) =>
    complaintOfSecrets(service, name),
  ),
  "no value looks like a password": each(({ environment, command }) => {
    const values = [...Object.entries(environment), ...command.map((word) => ["", word] as const)];
    const [found] = values.filter(([key, value]) => looksSecret(key, value));
    return found;
  }),
  "the key to the model is the diagnoser's alone": each(({ environment }, name) =>
    name === "diagnoser" || environment["ANTHROPIC_API_KEY"] === undefined ? undefined : "has ANTHROPIC_API_KEY",
  ),
  "all limits of memory together, but for profiles and TiKV itself, are at most 4 GB": ({ services }) => {
    const limits = Object.entries(services).flatMap(([name, service]) =>
      service.profiles.length > 0 || isOfTikv(name) ? [] : [service],
    );
    const megabytes = limits.reduce((sum, { mem_limit }) => sum + megabytesOf(mem_limit), 0);
    return megabytes <= megabytesMax ? [] : [`${megabytes} MB`];
  },
} satisfies Record<string, Rule>;

test.each(Object.entries(rules))("%s", (_, rule) => {
  expect(Object.keys(topology.services).length).toBeGreaterThan(12);
  for (const [tikv, variant] of Object.entries(variants))
    expect(rule(variant), `with OPERATOR_TIKV=${tikv}`).toEqual([]);
});

/** For each rule the ways to break it, done to a copy: a rule that finds nothing would be silent. */
const breaks: Record<keyof typeof rules, ((topology: Topology) => void)[]> = {
  "an image has a tag that stays: no latest, no digest": [
    at("nats", (nats) => (nats.image = "nats:latest")),
    at("nats", (nats) => (nats.image = "nats")),
    at("nats", (nats) => (nats.image = "nats:2.15-alpine@sha256:0123")),
  ],
  "an image is built without a syntax line, whose frontend would have to be fetched": [
    ({ dockerfiles }) => (dockerfiles["compose/Dockerfile"] = "# syntax=docker/dockerfile:1\nFROM scratch\n"),
  ],
  "what goes on running has a health check": [
    at("load", (load) => delete load.healthcheck),
    // Nobody waits for its end any more, so it isn't one that ends.
    ({ services }) => Object.values(services).forEach((service) => delete service.depends_on["provision"]),
  ],
  "a store has more than 20 s to stop: it first has its leaders moved away": [
    // Docker's own are 10 s.
    at("tikv-1", (tikv) => delete tikv.stop_grace_period),
    at("tikv-2", (tikv) => (tikv.stop_grace_period = "20s")),
  ],
  "memory, CPU and processes have a limit": [
    at("redis", (redis) => delete redis.mem_limit),
    at("redis", (redis) => delete redis.cpus),
    at("redis", (redis) => delete redis.pids_limit),
  ],
  "all capabilities are dropped, and only init, which gives files to their owners, has some back": [
    at("node-a", (node) => (node.cap_drop = [])),
    at("node-a", (node) => (node.cap_add = ["NET_ADMIN"])),
    at("init", (init) => init.cap_add.push("SYS_ADMIN")),
  ],
  "the root is read-only, privileges can't be gained, orphans are reaped": [
    at("grafana", (grafana) => (grafana.read_only = false)),
    at("grafana", (grafana) => delete grafana.init),
    at("grafana", (grafana) => (grafana.security_opt = [])),
    at("grafana", (grafana) => (grafana.privileged = true)),
  ],
  "ports are published on 127.0.0.1 alone": [
    at("prometheus", (prometheus) => (prometheus.ports = ["9090:9090"])),
    at("prometheus", (prometheus) => (prometheus.ports = ["0.0.0.0:9090:9090"])),
    at("load", (load) => (load.network_mode = "host")),
  ],
  "Docker's socket is the supervisor's alone": [
    at("chaos", (chaos) => chaos.volumes.push(`${socket}:${socket}:ro`)),
    at("actuator", (actuator) => actuator.volumes.push("/var/run:/host:ro")),
  ],
  "secrets are mounted by their own service, to read, and by init, which draws them": [
    at("ticketer", (ticketer) => ticketer.volumes.push("secrets-actuator:/run/other:ro")),
    at("observer-ratelimiter", (observer) => observer.volumes.push("secrets-ratelimiter:/run/other:ro")),
    at("diagnoser", (diagnoser) => (diagnoser.volumes = ["secrets-diagnoser:/run/secrets"])),
  ],
  "no value looks like a password": [
    at("grafana", (grafana) => (grafana.environment["GF_SECURITY_ADMIN_PASSWORD"] = "admin")),
    at("diagnoser", (diagnoser) => (diagnoser.environment["ANTHROPIC_API_KEY"] = "sk-ant-0123")),
    at("actuator", (actuator) => (actuator.environment["OPERATOR_NATS_PASSWORD"] = "${NATS_PASSWORD:-secret}")),
    at("node-a", (node) => (node.environment["RATELIMITER_REDIS_URL"] = "redis://:hunter2@redis:6379")),
    at("load", (load) => load.command.push("--header=Xq3v9TzLw0bK7mNpR2sY8uFd")),
    at("redis", (redis) => redis.command.push("--requirepass", "x")),
  ],
  "the key to the model is the diagnoser's alone": [
    at("actuator", (actuator) => (actuator.environment["ANTHROPIC_API_KEY"] = "${ANTHROPIC_API_KEY:-}")),
  ],
  "all limits of memory together, but for profiles and TiKV itself, are at most 4 GB": [
    at("nats", (nats) => (nats.mem_limit = "2g")),
  ],
};

test.each(Object.entries(breaks))("broken in a copy, it's seen: %s", (name, ways) => {
  const [, rule] = Object.entries(rules).find(([each]) => each === name) ?? [];
  for (const way of ways) {
    const copy = structuredClone(topology);
    way(copy);
    expect(rule?.(copy), `not seen: ${String(way)}`).not.toEqual([]);
  }
});

/** A member of the cluster, or what makes load on it: it's as large as it is. */
function isOfTikv(name: string): boolean {
  return /^(pd|tikv)-|^ycsb$/.test(name);
}

/** `complaintOf` gives what is wrong, as it stands there. */
function each(complaintOf: (service: Service, name: string) => unknown): Rule {
  return ({ services }) =>
    Object.entries(services).flatMap(([name, service]) => {
      const complaint = complaintOf(service, name);
      return complaint === undefined ? [] : [`${service.file}: ${name}: ${JSON.stringify(complaint)}`];
    });
}

function at(name: string, change: (service: Service) => unknown): (topology: Topology) => void {
  return ({ services }) => {
    const service = services[name];
    if (!service) throw new Error(`there's no service "${name}" to break`);
    change(service);
  };
}

/** `secrets-observer` is of the service `observer` or `observer-…`, `secrets-ratelimiter` of that subject's own targets. */
function complaintOfSecrets({ file, labels, volumes }: Service, name: string): string | undefined {
  if (name === "init") return undefined;
  const subject = /^subjects\/([^/]+)\//.exec(file)?.[1];
  return volumes.find((volume) => {
    const [, owner] = /^secrets-([a-z-]+):/.exec(volume) ?? [];
    if (owner === undefined) return false;
    const isOwn =
      name === owner || name.startsWith(`${owner}-`) || (owner === subject && labels["operator.target"] !== undefined);
    return !isOwn || !volume.endsWith(":ro");
  });
}

function looksSecret(key: string, value: string): boolean {
  // Empty unless the person who starts it says otherwise.
  if (/^(\$\{\w+:-\})?$/.test(value)) return false;
  const isNamedSo = /(PASSWORD|TOKEN|SECRET|KEY)$/.test(key) || /^--?(requirepass|password|pass|token)\b/.test(value);
  const hasUser = /:\/\/[^/\s]*@/.test(value);
  // Long, of letters and digits, and no word, path or address.
  const words = value.match(/[A-Za-z0-9+/_]{20,}/g) ?? [];
  return isNamedSo || hasUser || words.some((word) => /\d.*\d/.test(word) && /[A-Za-z]/.test(word));
}

function megabytesOf(limit: string | undefined): number {
  const [, count, unit] = /^(\d+)([mg])$/.exec(limit ?? "") ?? [];
  if (count === undefined) throw new Error(`mem_limit "${limit}" is no number of m or g`);
  return Number(count) * (unit === "g" ? 1_024 : 1);
}
