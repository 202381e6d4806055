import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { usersTable } from "./bus-rights.fixture.ts";
import { containersTable } from "./containers-table.fixture.ts";
import { comparedPart, complaintsOfRows, readPage, rowsOf, sectionOf } from "./page.fixture.ts";
import { readTopology } from "./topology.fixture.ts";

// docs/security.md, held against the bus's permissions and the compose files.

const page = readPage("security.md");
const topology = readTopology();

test("the table of users says what nats-server lets each of them do", () => {
  expect(comparedPart(page, "users")).toBe(usersTable());
});

test("the table of containers says where each is, what it reads and what it may write", () => {
  expect(comparedPart(page, "containers")).toBe(containersTable(topology));
});

test("what somebody could do who has taken it over is said of each container", () => {
  const rows = rowsOf(sectionOf(page, "## When one of them is taken over"));
  expect(complaintsOfRows(rows, Object.keys(topology.services))).toEqual([]);
});

test("each socket of the supervisor is mounted by whom the page says, and by the supervisor", () => {
  const said = rowsOf(sectionOf(page, "## The supervisor")).map(([socket, client]) => `${socket} ${client}`);
  const mounted = Object.entries(topology.services).flatMap(([name, { volumes }]) =>
    volumes.flatMap((volume) => {
      const [, kind] = /^supervisor-(?!state:)([a-z]+):/.exec(volume) ?? [];
      return kind === undefined || name === "supervisor" ? [] : [`\`${kind}.sock\` ${name}`];
    }),
  );
  expect(said.toSorted()).toEqual(mounted.toSorted());
});

test("the files that the page calls as witnesses are there", () => {
  const files = [...page.matchAll(/`((?:libs|services|compose|subjects)\/[\w./-]+\.ts)`/g)].map(
    ([, file = ""]) => file,
  );
  expect(files.length).toBeGreaterThan(3);
  expect(files.filter((file) => !existsSync(join(import.meta.dirname, "..", "..", file)))).toEqual([]);
});
