import { setTimeout as wait } from "node:timers/promises";

/** Asks every 20 ms until it holds; throws with what was waited for when it never did. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  for (const deadlineMs = performance.now() + withinMs; !(await holds()); await wait(20)) {
    if (performance.now() > deadlineMs) throw new Error(`waited ${withinMs} ms in vain until ${what}`);
  }
}
