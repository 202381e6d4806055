import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { addressOf, type Channel, typeOf } from "./channel.ts";
import { flow } from "./flow.ts";

// Examples of every message, as they were sent once. They parse for ever: add to them, never change one.

const folder = join(import.meta.dirname, "golden");
const Golden = z
  .array(z.strictObject({ what: z.string(), address: z.string(), id: z.string(), message: z.looseObject({}) }))
  .min(1);
const channels: readonly Channel[] = Object.values(flow).map((channel) => ({
  ...channel,
  // Examples are of any channel, and each is parsed by its own schema before these see it.
  parameters: (message) => Reflect.apply(channel.parameters, undefined, [message]),
  id: (message) => Reflect.apply(channel.id, undefined, [message]),
}));
const files = readdirSync(folder).sort();

test("every channel has examples of its present version", () => {
  const present = channels.map(({ name, version }) => `${name}.v${version}.json`);
  expect(files).toEqual(expect.arrayContaining(present));
});

describe.for(files)("%s", (file) => {
  const [name = "", version = ""] = file.split(".v");
  const channel = channels.find((one) => one.name === name);
  const examples = Golden.parse(JSON.parse(readFileSync(join(folder, file), "utf8")));

  test("is of a channel that there is, of no later version", () => {
    expect(channel && typeOf(channel)).toMatch(new RegExp(`^operator\\.${name}\\.v\\d+$`));
    expect(Number.parseInt(version)).toBeLessThanOrEqual(channel?.version ?? 0);
  });

  test.for(examples)("$what: reads as it was sent, with the same address and id", ({ address, id, message }) => {
    if (!channel) throw new Error(`no channel is named ${name}`);
    const parsed = channel.schema.parse(message);
    expect(parsed).toEqual(message);
    expect(JSON.parse(JSON.stringify(parsed))).toEqual(message);
    expect(addressOf(channel, parsed)).toBe(address);
    expect(channel.id(parsed)).toBe(id);
  });

  // What people write is read strictly: a field that isn't known is a slip that they hear of.
  test.for(channel?.plain ? [] : examples)("$what: a field of a later sender is passed over", ({ message }) => {
    expect(channel?.schema.parse({ ...message, ofALaterVersion: { any: "thing" } })).toEqual(message);
  });
});

test("the examples show every state and kind that there is", () => {
  const all = files.map((file) => readFileSync(join(folder, file), "utf8")).join("");
  const kinds = [
    "firing blind cleared retired pending clearing unreachable threshold silent_service",
    "acknowledge hold unhold comment resolve started waiting finished done ungrounded failed",
    "open closed critical warning rhythm change",
    "proposed approved claimed executed verified refused",
  ].flatMap((words) => words.split(" "));
  expect(kinds.filter((kind) => !all.includes(`"${kind}"`))).toEqual([]);
});
