import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ComposeStack, whyNoDocker } from "@operator/stack/compose-stack";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import { readPage } from "./page.fixture.ts";

// What docs/operations.md says to type for a backup and its restore, typed into a stack of its own.

const why = whyNoDocker();
if (why !== undefined) process.stdout.write(`operations: skipped, ${why}\n`);

const Tickets = z.object({ tickets: z.array(z.object({ id: z.string() })) });
const Audit = z.object({ entries: z.array(z.object({ what: z.string(), text: z.string() })) });
const Mode = z.object({ validity: z.object({ mode: z.string() }) });

describe.skipIf(why !== undefined)("a backup", () => {
  let stack: ComposeStack;
  const folder = mkdtempSync(join(tmpdir(), "operator-backup-"));

  beforeAll(async () => {
    stack = await ComposeStack.make({ OPERATOR_NATS_DATA: "nats-data:", USER: "tester" });
    await stack.compose("up", "--detach", "--wait", "--wait-timeout", "150");
  }, 300_000);
  afterAll(async () => {
    await stack?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  }, 120_000);

  const tickets = async () => Tickets.parse(await stack.operator("tickets", "list", "--status", "all")).tickets;
  const audit = async () => Audit.parse(await stack.operator("audit", "list")).entries;
  const mode = async () => Mode.parse(await stack.operator("mode", "show")).validity.mode;
  const ticket = "ratelimiter.node_down.node-a.1";

  /** What stands in the page's part of that name, with the test's names for project and folder. */
  async function type(part: string): Promise<void> {
    for (const command of commandsOf(part)) {
      const [program, ...words] = wordsOf(command).map((word) =>
        word.replaceAll("operator_", `${stack.project}_`).replace("$PWD", folder),
      );
      if (program === "docker") await stack.docker(...words);
      else if (command.startsWith("npm run operator -- "))
        await stack.operator(...words.slice(3).filter((word, at, all) => !isContext(word) && !isContext(all[at - 1])));
      else expect(command).toBe("export OPERATOR_NATS_DATA=nats-data:");
    }
  }

  test("brings tickets and audit back into an empty volume, and nothing is executed by a word of then", async () => {
    await stack.operator("mode", "execute", "--key", join(stack.folder, "compose.pem"), "--yes");
    await stack.compose("kill", "node-a");
    const isKept = async () =>
      (await tickets()).some(({ id }) => id === ticket) && (await audit()).some(({ what }) => what === "mode_changed");
    await vi.waitUntil(isKept, { timeout: 60_000, interval: 1_000 });
    await type("backup");
    await stack.operator("kill-switch", "--reason", "after the backup");
    await type("restore");
    expect((await tickets()).map(({ id }) => id)).toContain(ticket);
    const said = (await audit()).flatMap(({ what, text }) => (what === "mode_changed" ? [text] : []));
    expect(said).toEqual([
      expect.stringMatching(/^execute, term 1/),
      expect.stringMatching(/^observe, term 2: restored/),
    ]);
    expect(await mode()).toBe("observe");
  }, 400_000);
});

function commandsOf(part: string): string[] {
  const block = new RegExp(`<!-- ${part} -->\n\`\`\`sh\n([\\s\\S]*?)\n\`\`\``).exec(readPage("operations.md"))?.[1];
  if (block === undefined) throw new Error(`docs/operations.md has no commands for "${part}"`);
  return block.replaceAll("\\\n", " ").split("\n");
}

/** As a shell takes them apart: by blanks, but for those in quotes. */
function wordsOf(command: string): string[] {
  return (command.match(/(?:"[^"]*"|[^\s"])+/g) ?? []).map((word) => word.replaceAll('"', ""));
}

/** The stack says its own. */
function isContext(word = ""): boolean {
  return word === "--context";
}
