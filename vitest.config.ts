import { join } from "node:path";
import { configDefaults, defineConfig } from "vitest/config";
import type { Reporter, TestModule } from "vitest/node";

/** The last lines of every run, for people and CI alike: what failed, each in a line, and `N passed, N failed`. */
class Summary implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    let passed = 0;
    let failed = errors.length;
    let skipped = 0;
    const notes: string[] = [];
    const say = (module: TestModule, name: string, failures: readonly { message: string }[]) => {
      const [first = ""] = (failures[0]?.message ?? "").split("\n");
      notes.push(`failed: ${module.relativeModuleId}: ${name}: ${first.slice(0, 300)}`);
    };
    for (const module of modules) {
      // A file that can't be loaded has no tests to count, and is a failure all the same.
      failed += module.errors().length;
      if (module.errors().length > 0) say(module, "the file", module.errors());
      // Nor has a suite whose beforeAll failed: its tests are skipped.
      for (const suite of module.children.allSuites()) {
        failed += suite.errors().length;
        if (suite.errors().length > 0) say(module, suite.fullName, suite.errors());
      }
      for (const test of module.children.allTests()) {
        const { state, errors: failures = [] } = test.result();
        if (state === "passed") passed += 1;
        else if (state === "failed") failed += 1;
        else skipped += 1;
        if (state === "failed") say(module, test.fullName, failures);
        if (test.diagnostic()?.flaky) notes.push(`passed only when it was tried again: ${test.fullName}`);
      }
    }
    // After the reporter's own closing lines.
    process.once("exit", () => {
      for (const note of notes) process.stdout.write(`${note}\n`);
      process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}\n`);
    });
  }
}

/** Tests that need a Docker engine are a project of their own. */
const exclude = [...configDefaults.exclude, "**/*.compose.test.ts"];

export default defineConfig({
  test: {
    reporters: ["default", new Summary()],
    pool: "forks",
    // Tests start real servers and services, and mostly wait for them: three files at a time take half of two cores.
    maxWorkers: 3,
    // Services start several hundred times: what they compiled once is kept.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, ".cache", "compile") },
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Thousands of tests with real processes on a busy machine: there one is tried once more, and named when it needed it.
    retry: process.env["CI"] === "true" ? 1 : 0,
    projects: [
      {
        extends: true,
        test: {
          name: "beside the code",
          include: [
            "libs/**/*.test.ts",
            "services/**/*.test.ts",
            "subjects/**/*.test.ts",
            "cli/**/*.test.ts",
            "bench/**/*.test.ts",
            "compose/**/*.test.ts",
          ],
          exclude,
          sequence: { groupOrder: 1 },
        },
      },
      { extends: true, test: { name: "tree", include: ["tidy.test.ts"], sequence: { groupOrder: 0 } } },
      {
        extends: true,
        // The whole loop, with kills: nothing else beside it. Most of a story is waiting: three take half of two cores.
        test: {
          name: "e2e",
          include: ["e2e/**/*.test.ts"],
          exclude,
          testTimeout: 180_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        // On a Docker engine, one file at a time: `npm run test:compose`.
        test: {
          name: "compose",
          include: ["**/*.compose.test.ts"],
          maxWorkers: 1,
          testTimeout: 180_000,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
