import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { readYaml } from "./topology.fixture.ts";

const root = join(import.meta.dirname, "..", "..");

const Extending = z.looseObject({
  extends: z.object({ file: z.string() }).optional(),
  env_file: z.array(z.string()).default([]),
});
const ComposeFile = z.looseObject({
  include: z.array(z.string()).default([]),
  services: z.record(z.string(), Extending).default({}),
});

/** The variables that the compose files and their environment files read, each with what stands for it where it isn't set. */
export function readComposeSettings(): Map<string, Set<string>> {
  const settings = new Map<string, Set<string>>();
  for (const file of composeFiles()) {
    const text = readFileSync(join(root, file), "utf8").replaceAll("$$", "");
    for (const [, name = "", otherwise = ""] of text.matchAll(/\$\{?(\w+)(?::-([^}]*)\})?/g))
      settings.set(name, (settings.get(name) ?? new Set()).add(otherwise));
  }
  return settings;
}

/** All of them, from the project's root: where a name has a variable, those that fit any of its values. */
function composeFiles(): string[] {
  const found = new Set(["compose.yaml"]);
  // Grows while it's gone through.
  for (const file of found) {
    if (!file.endsWith(".yaml")) continue;
    const { include, services } = ComposeFile.parse(readYaml(file));
    const named = Object.values(services).flatMap(({ extends: base, env_file }) => [
      ...(base ? [base.file] : []),
      ...env_file,
    ]);
    for (const name of [...include, ...named]) {
      const pattern = join(dirname(file), name.replace(/\$\{[^}]*\}/g, "*"));
      const fitting = globSync(pattern, { cwd: root });
      if (fitting.length === 0) throw new Error(`${file} names ${name}, and there's no ${pattern}`);
      for (const each of fitting) found.add(each);
    }
  }
  return [...found];
}
