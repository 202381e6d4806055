import type { Container } from "./containers.ts";
import type { Service } from "./topology.ts";

/** How a service is, with the words for it: `up` is healthy, or done for a job; `broken` doesn't mend by waiting. */
export interface Standing {
  is: "up" | "coming" | "broken";
  says: string;
}

/** How a service is by its containers. An old one says nothing of how the service will be: it's about to be started anew. */
export function standingOf(
  service: Service,
  containers: readonly Container[],
  isOld: (container: Container) => boolean = () => false,
): Standing {
  const own = containers.filter((container) => container.service === service.name);
  const standings = own.map((container) => (isOld(container) ? notYet : standingOfOne(service, container)));
  const worst =
    standings.find(({ is }) => is === "broken") ??
    standings.find(({ is }) => is === "coming") ??
    (own.length < service.count ? notYet : standings[0]);
  return worst ?? { is: "up", says: "none wanted" };
}

function standingOfOne({ isJob }: Service, container: Container): Standing {
  const { state, health, exitCode, restarts, isOutOfMemory, healthSays, sinceMs } = container;
  const coming = (says: string): Standing => ({ is: "coming", says });
  const broken = (says: string): Standing => ({ is: "broken", says });
  const ended = isOutOfMemory ? "ended, out of memory" : `ended with ${exitCode}`;
  switch (state) {
    case "running":
      if (isJob) return coming("at work");
      // Without a check nothing tells it from one that ends at once, and again.
      if (health === "none" && isYoung(sinceMs)) return coming("just started");
      if (health === "unhealthy") return broken(`unhealthy${healthSays === "" ? "" : `: ${healthSays}`}`);
      return health === "starting"
        ? coming("starting")
        : { is: "up", says: health === "healthy" ? "healthy" : "running" };
    case "exited":
    case "dead":
      return isJob && exitCode === 0 ? { is: "up", says: "done" } : broken(ended);
    case "restarting":
      // Once or twice may be the start of something it needs.
      return restarts >= restartsMax ? broken(`${ended}, ${restarts} times`) : coming(`${ended}, started again`);
    case "paused":
      return broken("paused");
    default:
      return notYet;
  }
}

const restartsMax = 3;
const settledMs = 3_000;
/** A time yet to come is another clock's, and tells nothing. */
function isYoung(sinceMs: number | null): boolean {
  const ageMs = Date.now() - (sinceMs ?? 0);
  return ageMs >= 0 && ageMs < settledMs;
}

/** Whether it has begun, and doesn't wait for another one. */
export function isBegun({ says }: Standing): boolean {
  return says !== notYet.says;
}

/** Also of a container that is made and waits for what it needs. */
const notYet: Standing = { is: "coming", says: "not started yet" };
