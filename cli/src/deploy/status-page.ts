import { agoOf } from "../terminal/ages.ts";
import { type Line, span, type Style, table } from "../terminal/page.ts";
import type { Container } from "./containers.ts";
import type { NamedStanding } from "./launch.ts";

/** How every service is, with its containers: none where it was never started. */
export interface ServiceStatus extends NamedStanding {
  containers: Container[];
}

/** The document of `deploy local status`. */
export interface DeployStatus {
  project: string;
  atMs: number;
  services: ServiceStatus[];
}

export function statusPage({ project, atMs, services }: DeployStatus, columns: number): Line[] {
  const rows = services.flatMap(({ service, is, containers }) => {
    const [glyph, style] = looks[is];
    return containers.map(({ name, state, health, exitCode, sinceMs, restarts, ports, isOutOfMemory }) => [
      span(`${glyph} ${containers.length > 1 ? name : service}`, style),
      `${state}${state === "exited" ? ` ${isOutOfMemory ? "out of memory" : exitCode}` : ""}`,
      health === "none" ? "–" : health,
      sinceMs === null ? "–" : agoOf(sinceMs, atMs),
      String(restarts),
      ports.join(" ") || "–",
    ]);
  });
  const absent = services.filter(({ containers }) => containers.length === 0).map(({ service }) => service);
  const isUp = services.filter(({ is }) => is === "up").length;
  return [
    [span(project, "title"), `  ${isUp} of ${services.length} services are up`],
    ...(rows.length === 0 ? [] : [[], ...table(titles, rows, columns)]),
    ...(rows.length === 0 ? [["nothing is there: `operator deploy local up` starts all of it"]] : []),
    ...(absent.length === 0 || rows.length === 0 ? [] : [[], [`not there: ${absent.join(", ")}`]]),
  ];
}

const titles = [
  { title: "service", atLeast: 12 },
  { title: "state" },
  { title: "health" },
  { title: "since" },
  { title: "restarts", align: "right" },
  { title: "ports", atLeast: 10 },
] as const;

const looks = { up: ["✓", "good"], coming: ["…", "warn"], broken: ["✖", "bad"] } as const satisfies Record<
  NamedStanding["is"],
  readonly [string, Style]
>;
