import { z } from "zod";
import { lastLine } from "./engine.ts";

/** A container of the project as the engine has it now. */
export interface Container {
  id: string;
  name: string;
  service: string;
  /** In the engine's words: created, running, paused, restarting, exited, dead, removing. */
  state: string;
  /** What its health check says; `none` without one, or when it doesn't run. */
  health: "starting" | "healthy" | "unhealthy" | "none";
  exitCode: number;
  /** Since when it's in its state, as far as the engine says it. */
  sinceMs: number | null;
  /** How often the engine has started it again by itself. */
  restarts: number;
  isOutOfMemory: boolean;
  /** The last line that its health check said. */
  healthSays: string;
  /** Published on the host, e.g. `127.0.0.1:4222`. */
  ports: string[];
}

/** What `docker compose ps --format json` lists of a container. */
export type Listed = Pick<Container, "id" | "name" | "service" | "ports">;

/** The list of `docker compose ps --all --format json`: one array until 2.20, an object a line since 2.21. */
export function listedIn(text: string): Listed[] {
  const whole = text.trim();
  const documents: unknown[] = whole.startsWith("[")
    ? z.array(z.unknown()).parse(JSON.parse(whole))
    : whole.split("\n").flatMap((line): unknown[] => (line.trim() === "" ? [] : [JSON.parse(line)]));
  return z.array(PsRow).parse(documents);
}

const Publisher = z.object({ URL: z.string().default(""), PublishedPort: z.number().default(0) });
const PsRow = z
  .object({
    ID: z.string(),
    Name: z.string(),
    Service: z.string(),
    Publishers: z.array(Publisher).nullish(),
  })
  .transform(({ ID, Name, Service, Publishers }): Listed => ({
    id: ID,
    name: Name,
    service: Service,
    ports: [
      ...new Set(
        (Publishers ?? []).flatMap(({ URL, PublishedPort }) =>
          PublishedPort > 0 ? [`${URL || "0.0.0.0"}:${PublishedPort}`] : [],
        ),
      ),
    ],
  }));

/** One container a line, with what the list doesn't say. */
export const inspectFormat =
  '{"id":{{json .Id}},"restarts":{{json .RestartCount}},"created":{{json .Created}},"state":{{json .State}}}';

/** The list's containers with what `docker inspect --format <inspectFormat>` says of them; what has gone since isn't in it. */
export function containersIn(listed: readonly Listed[], inspected: string): Container[] {
  const details = inspected
    .split("\n")
    .flatMap((line) => (line.trim() === "" ? [] : [Inspected.parse(JSON.parse(line))]));
  return listed.flatMap((one): Container[] => {
    const detail = details.find(({ id }) => id.startsWith(one.id));
    if (!detail) return [];
    const { restarts, created, state } = detail;
    const { Status, ExitCode, OOMKilled, Health, StartedAt, FinishedAt } = state;
    const hasEnded = Status === "exited" || Status === "dead";
    const sinceMs = Date.parse(Status === "created" ? created : hasEnded ? FinishedAt : StartedAt);
    return [
      {
        id: one.id,
        name: one.name,
        service: one.service,
        ports: one.ports,
        state: Status,
        health: Status === "running" ? (Health?.Status ?? "none") : "none",
        exitCode: ExitCode,
        // Where nothing happened yet the engine says the year 1.
        sinceMs: sinceMs > 0 ? sinceMs : null,
        restarts,
        isOutOfMemory: OOMKilled,
        healthSays: lastLine(Health?.Log?.at(-1)?.Output ?? "").slice(0, 200),
      },
    ];
  });
}

const Inspected = z.object({
  id: z.string(),
  restarts: z.number(),
  created: z.string(),
  state: z.object({
    Status: z.string(),
    ExitCode: z.number(),
    OOMKilled: z.boolean(),
    StartedAt: z.string(),
    FinishedAt: z.string(),
    Health: z
      .object({
        Status: z.enum(["starting", "healthy", "unhealthy", "none"]).catch("none"),
        Log: z.array(z.object({ Output: z.string() })).nullish(),
      })
      .nullish(),
  }),
});
