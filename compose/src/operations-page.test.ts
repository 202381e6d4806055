import { buckets, streams } from "@operator/contracts/streams";
import { expect, test } from "vitest";
import { readAlerts } from "./alerts.fixture.ts";
import { readComposeSettings } from "./compose-settings.fixture.ts";
import { complaintsOfRows, namesIn, readPage, rowsOf, sectionOf } from "./page.fixture.ts";
import { readTopology } from "./topology.fixture.ts";

// docs/operations.md, held against the compose files, the alerts and the streams.

const page = readPage("operations.md");
const services = Object.entries(readTopology().services);

test("the table of settings names every variable that the compose files read, with its default, and no other", () => {
  const said = rowsOf(sectionOf(page, "## Settings")).map(([name, , byDefault]) => `${name} ${byDefault}`);
  const read = [...readComposeSettings()].map(([name, defaults]) => {
    const shown = [...defaults].map((value) => (value === "" ? "–" : `\`${value}\``));
    return `\`${name}\` ${shown.join(" or ")}`;
  });
  expect(read.length).toBeGreaterThan(10);
  expect(said.toSorted()).toEqual(read.toSorted());
});

test("the table of ports has each that is published, with the variable that moves it", () => {
  const said = rowsOf(sectionOf(page, "## Ports")).map(([port, , variable]) => `${port} ${namesIn(variable).join()}`);
  const published = services.flatMap(([, { ports }]) =>
    ports.map((port) => {
      const [, variable = "none", number = port] = /\$\{(\w+):-(\d+)\}/.exec(port) ?? [];
      return `${number} ${variable}`;
    }),
  );
  expect(said.toSorted()).toEqual(published.toSorted());
});

test("the table of profiles has each that there is", () => {
  const said = rowsOf(sectionOf(page, "## Profiles")).flatMap(([name]) => namesIn(name));
  expect(said.toSorted()).toEqual([...new Set(services.flatMap(([, { profiles }]) => profiles))].toSorted());
});

test("each alert has a section that says what it means, how to look and what to do, and no other thing has", () => {
  const section = sectionOf(page, "## Alerts");
  const said = [...section.matchAll(/^### (.+)$/gm)].map(([, name = ""]) => name);
  expect(said.toSorted()).toEqual(
    readAlerts()
      .map(({ alert }) => alert)
      .toSorted(),
  );
  for (const name of said) {
    const words = [...sectionOf(page, `### ${name}`).matchAll(/^\*\*(\w+)\*\*: ./gm)].map(([, word]) => word);
    expect(words, name).toEqual(["Means", "Look", "Do"]);
  }
});

test("what becomes of it when it's killed is said of each container", () => {
  const rows = rowsOf(sectionOf(page, "## When a container is killed"));
  expect(
    complaintsOfRows(
      rows,
      services.map(([name]) => name),
    ),
  ).toEqual([]);
});

test("what streams and buckets may take of the disk is their sizes together", () => {
  const bytes = [...Object.values(streams), ...Object.values(buckets)].reduce((sum, { maxBytes }) => sum + maxBytes, 0);
  expect(flowing(sectionOf(page, "### Disk"))).toContain(`together at most **${(bytes / 1024 ** 3).toFixed(1)} GiB**`);
});

test("what the limits of memory add up to is what the compose files grant", () => {
  const counted = services.filter(
    ([, { profiles, file }]) => profiles.length === 0 && !file.startsWith("subjects/tikv/"),
  );
  const megabytes = counted.reduce((sum, [, { mem_limit = "0m" }]) => sum + Number(/^(\d+)m$/.exec(mem_limit)?.[1]), 0);
  expect(flowing(sectionOf(page, "## Sizing"))).toContain(
    `add up to ${megabytes.toLocaleString("en")} MB without profiles and TiKV`,
  );
});

/** However its lines are broken. */
function flowing(text: string): string {
  return text.replace(/\s+/g, " ");
}
