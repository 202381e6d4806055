import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { flow } from "./flow.ts";

// What people read of the flow is compared with the flow.

const root = join(import.meta.dirname, "..", "..", "..");
const services = ["observer", "checker", "ticketer", "diagnoser", "actuator", "chaos", "notifier"] as const;
const channels = Object.values(flow);

test("the README's lines of who sends what to whom are those of flow.ts", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const shown = /<!-- flow:[^>]*-->\n```\n([\s\S]*?)\n```/.exec(readme)?.[1]?.split("\n") ?? [];
  const width = Math.max(...channels.map(({ senders }) => senders.join(", ").length));
  const nameWidth = Math.max(...channels.map(({ name }) => name.length));
  const lines = channels.map(
    ({ senders, name, readers }) =>
      `${senders.join(", ").padEnd(width)}  ─ ${name.padEnd(nameWidth)} ▶  ${readers.join(", ")}`,
  );
  expect(shown, "write these lines into the README").toEqual(lines);
});

test.each(services)("the description of %s's package is what it reads and sends", (service) => {
  const { description } = z
    .object({ description: z.string() })
    .parse(JSON.parse(readFileSync(join(root, "services", service, "package.json"), "utf8")));
  const [from, to] = description.split(" → ");
  const reads = channels.filter(({ readers }) => readers.some((reader) => reader === service)).map(({ name }) => name);
  const sends = channels.filter(({ senders }) => senders.some((sender) => sender === service)).map(({ name }) => name);
  expect([...reads, "clock"]).toContain(from);
  expect([...sends, "webhook"]).toContain(to);
});
