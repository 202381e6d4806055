import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { readTopology } from "./topology.fixture.ts";

// The alerts' own tests (compose/prometheus/alerts.test.yaml), run by the promtool of the image that evaluates the rules.

const folder = join(import.meta.dirname, "..", "prometheus");
const image = readTopology().services["prometheus"]?.image ?? "";
const promtool = findPromtool();
if (promtool === undefined) {
  process.stdout.write(`alerts: skipped, no promtool: neither in ${image} nor on the PATH\n`);
}

describe.skipIf(promtool === undefined)("promtool", () => {
  test("the configuration and its rules are in order", () => {
    expect(run("check", "config", "prometheus.yaml")).toContain("5 rules found");
  });

  test("each alert fires when it's to, and doesn't when it isn't", () => {
    expect(run("test", "rules", "alerts.test.yaml")).toContain("SUCCESS");
  });
});

/** What promtool prints; throws, with that, when it isn't content. */
function run(...words: string[]): string {
  const [file = "", ...before] = promtool ?? [];
  return execFileSync(file, [...before, ...words], { cwd: folder, encoding: "utf8", timeout: 60_000 });
}

/** The command that runs promtool in the folder; images that aren't the project's own may lack it, so the PATH is next. */
function findPromtool(): string[] | undefined {
  const inImage = ["docker", "run", "--rm", "--network=none", `--volume=${folder}:/rules:ro`, "--workdir=/rules"];
  const candidates = [[...inImage, "--entrypoint=promtool", image], ["promtool"]];
  return candidates.find(([file = "", ...before]) => {
    try {
      execFileSync(file, [...before, "--version"], { stdio: "pipe", timeout: 30_000 });
      return true;
    } catch {
      return false;
    }
  });
}
