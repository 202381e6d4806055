import { z } from "zod";
import type { Service, Topology } from "./topology.fixture.ts";

/** The table of `docs/security.md` that says what each container has; those that have the same share a row. */
export function containersTable({ services }: Topology): string {
  const byFacts = new Map<string, string[]>();
  for (const [name, service] of Object.entries(services)) {
    const facts = factsOf(service).join(" | ");
    byFacts.set(facts, [...(byFacts.get(facts) ?? []), `\`${name}\``]);
  }
  return [
    "| container | runs as | networks | port on 127.0.0.1 | secrets, to read | may write |",
    "| --- | --- | --- | --- | --- | --- |",
    ...[...byFacts].map(([facts, names]) => `| ${names.join(", ")} | ${facts} |`),
  ].join("\n");
}

const Networks = z.array(z.string()).default(["default"]);

function factsOf(service: Service): string[] {
  const mounts = service.volumes.map((volume) => {
    // A default may have a colon: `${X:-../y}/public:/run/approvers:ro`.
    const [, source = "", mode] = /^(?:(.+):)?\/[^:}]*(?::(ro))?$/.exec(volume) ?? [];
    return { source: source.replace(/^\$\{\w+:-(?:\.\.\/)*([^}]*)\}/, "$1"), isReadOnly: mode === "ro" };
  });
  const isSecret = (source: string) => /^secrets-|^nats-config$/.test(source);
  const secrets = mounts.flatMap(({ source, isReadOnly }) => (isSecret(source) && isReadOnly ? [source] : []));
  const keys = Object.keys(service.environment).filter((name) => /(_KEY|_SECRET)$/.test(name));
  const written = mounts.flatMap(({ source, isReadOnly }) => (isReadOnly ? [] : [source || "a volume of its own"]));
  return [
    runsAs(service),
    service.network_mode ?? listed(Networks.parse(service["networks"])),
    listed(service.ports.map((port) => /(\d+)\}?:\d+$/.exec(port)?.[1] ?? port)),
    listed([...secrets, ...keys].map((name) => `\`${name}\``)),
    listed(written.map((source) => (source.includes(" ") ? source : `\`${source}\``))),
  ];
}

/** The user of our image is its Dockerfile's; those of other images are what they say. */
function runsAs({ user, image, cap_add }: Service): string {
  const name =
    user === "0" ? "root" : typeof user === "string" ? user : image === "operator:local" ? "node" : "as its image says";
  return cap_add.length === 0 ? name : `${name} with ${cap_add.join(", ")}`;
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? "–" : names.join(", ");
}
