import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import { quoted, SupervisorError } from "./supervisor-error.ts";

/** What has to outlive a killed supervisor, as JSON in one file: written whole or not at all, before what it tells of is done. */
export class KeptFile<T> {
  readonly #file: string;
  readonly #schema: z.ZodType<T>;

  constructor(file: string, schema: z.ZodType<T>) {
    this.#file = file;
    this.#schema = schema;
  }

  /** Undefined when nothing was kept. Throws `STATE_UNREADABLE`: to begin without it would leave members broken for good. */
  read(): T | undefined {
    let text: string;
    try {
      text = readFileSync(this.#file, "utf8");
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw this.#unreadable(String(error));
    }
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (error) {
      throw this.#unreadable(String(error));
    }
    const kept = this.#schema.safeParse(json);
    if (kept.success) return kept.data;
    throw this.#unreadable(z.prettifyError(kept.error));
  }

  write(value: T): void {
    const draft = `${this.#file}.draft`;
    writeFileSync(draft, JSON.stringify(value), { mode: 0o600 });
    renameSync(draft, this.#file);
  }

  #unreadable(why: string): SupervisorError {
    return new SupervisorError(
      "STATE_UNREADABLE",
      `what a supervisor kept in ${quoted(this.#file)} can't be read (${why}): remove it when no member is killed, paused or cut off`,
    );
  }
}
