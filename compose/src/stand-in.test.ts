import { expect, test } from "vitest";
import { readTopology, type Service, type Topology } from "./topology.fixture.ts";

// The simulator stands in for the real cluster under the same names (decision 0007): what isn't the same is named here.

const real = readTopology();
const simulator = readTopology({ OPERATOR_TIKV: "simulator" });
const elsewhere = readTopology({ OPERATOR_TIKV: "elsewhere" });
const members = ["pd-1", "pd-2", "pd-3", "tikv-1", "tikv-2", "tikv-3"];
/** What makes load is each cluster's own. */
const loads = ["ycsb", "tikv-load"];

test("the members are the same six, and elsewhere there are none", () => {
  const targetsOf = (topology: Topology) => namesOf(topology, ({ labels }) => labels["operator.target"] !== undefined);
  expect(targetsOf(elsewhere)).not.toContain("pd-1");
  expect(targetsOf(real)).toEqual([...targetsOf(elsewhere), ...members].toSorted());
  expect(targetsOf(simulator)).toEqual(targetsOf(real));
});

test.each(members)(
  "%s is found, awaited, asked, stopped and read in the same way, whether it's real or simulated",
  (name) => {
    expect(memberOf(simulator, name, simulated)).toEqual(asSimulated(memberOf(real, name, flags)));
  },
);

test("the observer reads the log that each member writes", () => {
  const { TIKV_LOGS = "" } = serviceOf(real, "observer-tikv").environment;
  const written = members.map((name) => {
    const { labels, address, log } = memberOf(real, name, flags);
    return `${labels["operator.kind"] === "store" ? address.split("=")[0] : name}=${log}`;
  });
  expect(TIKV_LOGS.split(",").toSorted()).toEqual(written.toSorted());
});

test("nothing else differs, but where the simulator's workload is", () => {
  const others = ({ services }: Topology) =>
    Object.entries(services)
      .filter(([name]) => !members.includes(name) && !loads.includes(name))
      .map(([name, { file: _file, environment, ...service }]) => {
        const { TIKV_WORKLOAD_URL: _url, ...rest } = environment;
        return [name, { ...service, environment: rest }] as const;
      });
  expect(Object.fromEntries(others(simulator))).toEqual(Object.fromEntries(others(real)));
});

type Told = "address" | "cluster" | "data" | "log";

/** What compose and the operator see of a member. `tell`: how it's told its addresses and files. */
function memberOf(topology: Topology, name: string, tell: (service: Service) => Record<Told, string | undefined>) {
  const service = serviceOf(topology, name);
  const { labels, networks, depends_on, healthcheck, stop_grace_period, restart, volumes, tmpfs } = service;
  const { address, cluster, data, log } = tell(service);
  const found = { health: healthcheck?.test.slice(-2), stop_grace_period, restart, address, cluster, data, log };
  // Two that are told nothing would be the same.
  const missing = Object.entries(found).flatMap(([what, value]) => (value === undefined ? [what] : []));
  if (address === undefined || missing.length > 0) throw new Error(`${service.file}: ${name} has no ${missing.join()}`);
  return { ...found, address, labels, networks, waitsFor: depends_on, volumes, tmpfs };
}

/** A real member is told in flags. */
function flags({ command }: Service): Record<Told, string | undefined> {
  const flag = (name: string) => command.find((word) => word.startsWith(`--${name}=`))?.slice(name.length + 3);
  const store = flag("advertise-addr");
  return {
    address: store === undefined ? flag("advertise-client-urls") : `${store}=${flag("advertise-status-addr")}`,
    cluster: flag("initial-cluster") ?? flag("pd-endpoints"),
    data: flag("data-dir"),
    log: flag("log-file"),
  };
}

/** A simulated one by its environment. */
function simulated({ environment }: Service): Record<Told, string | undefined> {
  const told = (name: string) => environment[`TIKV_SIMULATOR_${name}`];
  return {
    address: told("CLIENT_URL") ?? told("STORES"),
    cluster: told("INITIAL_CLUSTER") ?? told("PD")?.replaceAll("http://", ""),
    data: told("DATA"),
    log: told("LOG_FILE"),
  };
}

/** What is otherwise in the simulator, and why. */
function asSimulated(member: ReturnType<typeof memberOf>): ReturnType<typeof memberOf> {
  const isFirst = member.labels["operator.kind"] === "pd";
  return {
    ...member,
    // Its image is the operator's, which is built for init; stores come after PD.
    waitsFor: isFirst ? { ...member.waitsFor, init: { condition: "service_completed_successfully" } } : member.waitsFor,
    // That image has the script of the health check.
    volumes: member.volumes.filter((volume) => volume !== "../../compose/healthy.sh:/healthy.sh:ro"),
  };
}

function serviceOf({ services }: Topology, name: string): Service {
  const service = services[name];
  if (!service) throw new Error(`there's no service "${name}"`);
  return service;
}

function namesOf({ services }: Topology, is: (service: Service) => boolean): string[] {
  return Object.entries(services)
    .flatMap(([name, service]) => (is(service) ? [name] : []))
    .toSorted();
}
