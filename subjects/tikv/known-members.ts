import type { PdMembers } from "./pd-members.ts";
import type { PdEndpoint } from "./settings.ts";
import { pdTarget } from "./targets.ts";

/** PD lists no more members in any sane cluster; more aren't watched. */
const membersMax = 16;

export interface KnownMember {
  url: string;
  name?: string;
  id?: string;
}

/**
 * Which members of PD to watch, and where: those that PD lists, once it could be asked; until then the configured ones.
 * Where a person gave an address with a name, that address goes before what PD says of itself.
 */
export class KnownMembers {
  readonly #configured: readonly PdEndpoint[];
  #listed: ReadonlyMap<string, KnownMember> | undefined;
  /** `host:port` of the addresses that PD lists → target. */
  #listedHosts: ReadonlyMap<string, string> = new Map();
  readonly #departed = new Set<string>();
  #clusterId: string | undefined;

  constructor(configured: readonly PdEndpoint[]) {
    this.#configured = configured;
  }

  /** Takes in PD's own list. */
  learn({ header, members }: PdMembers): void {
    const before = this.watched();
    this.#clusterId = header.cluster_id;
    this.#listed = new Map(
      members.slice(0, membersMax).flatMap(({ name, member_id, client_urls }) => {
        const url = this.#configured.find((one) => one.name === name)?.url ?? client_urls[0]?.replace(/\/+$/, "");
        return url === undefined ? [] : [[pdTarget(name), { url, name, id: member_id }] as const];
      }),
    );
    this.#listedHosts = new Map(
      members
        .filter(({ name }) => this.#listed?.has(pdTarget(name)))
        .flatMap(({ name, client_urls }) => client_urls.flatMap(hostOf).map((host) => [host, pdTarget(name)] as const)),
    );
    for (const target of before.keys()) this.#departed.add(target);
    for (const target of this.#listed.keys()) this.#departed.delete(target);
  }

  /** Target → member. One whose name isn't known yet is named by its address, e.g. `pd-127.0.0.1:2379`. */
  watched(): ReadonlyMap<string, KnownMember> {
    if (this.#listed) return this.#listed;
    return new Map(
      this.#configured.map(({ url, name }) => [
        pdTarget(name ?? `pd-${new URL(url).host}`),
        { url, ...(name !== undefined && { name }) },
      ]),
    );
  }

  /**
   * By which `instance`, e.g. `pd-1:2379`, Prometheus may scrape a member: its target. Both what PD lists and what a person
   * gave, as that may be only the way from here; where they contradict each other, PD's own word goes.
   */
  instances(): ReadonlyMap<string, string> {
    const watched = [...this.watched()].flatMap(([target, { url }]) =>
      hostOf(url).map((host) => [host, target] as const),
    );
    return new Map([...watched, ...this.#listedHosts]);
  }

  get isListed(): boolean {
    return this.#listed !== undefined;
  }

  get clusterId(): string | undefined {
    return this.#clusterId;
  }

  /** Targets that were watched until PD no longer listed them. */
  departed(): string[] {
    return [...this.#departed];
  }
}

function hostOf(url: string): string[] {
  const host = URL.canParse(url) ? new URL(url).host : "";
  return host === "" ? [] : [host];
}
