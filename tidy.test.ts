import { readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";

// The tree checks itself: what STYLE marks as checked by a machine and no linter knows.

const root = import.meta.dirname;
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file !== "");
const sources = files.filter((file) => /\.tsx?$/.test(file));
const read = (file: string) => readFileSync(join(root, file), "utf8");

const workspace = (file: string) =>
  /^(libs\/[^/]+|services\/[^/]+|subjects\/[^/]+\/service|subjects\/[^/]+|cli|compose|e2e|bench)\//.exec(file)?.[1];
const importsOf = (file: string) =>
  [...read(file).matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((found) => found[1] ?? "");
const isTest = (file: string) => /\.(test|fixture)\.ts$/.test(file);

/** What each library may import of the project; a service adds the libraries, tests add libs/stack. */
const leans: Record<string, string[]> = {
  "libs/contracts": [],
  "libs/bus": ["contracts"],
  "libs/approval": ["contracts"],
  "libs/service": ["contracts", "bus"],
  "libs/subject": ["contracts"],
  "libs/evidence": ["contracts", "subject"],
  "libs/ground": ["contracts", "bus", "subject", "evidence"],
  "libs/supervisor": ["contracts", "subject"],
  "libs/stack": ["contracts", "bus", "subject", "supervisor"],
};

function complaintsOfImports(file: string): string[] {
  const place = workspace(file);
  if (place === undefined) return [];
  const complaints: string[] = [];
  for (const specifier of importsOf(file)) {
    if (specifier.startsWith(".")) {
      const to =
        workspace(`${resolve("/", dirname(file), specifier).slice(1)}/`) ??
        workspace(resolve("/", dirname(file), specifier).slice(1));
      // A room is tried on its own real service.
      const isOwn = isTest(file) && place.startsWith("subjects/") && to === `${place}/service`;
      if (to !== place && !isOwn)
        complaints.push(`${file}: "${specifier}" leaves ${place}: import what a package exports`);
      continue;
    }
    if (specifier.startsWith("@nats-io/") && place !== "libs/bus")
      complaints.push(`${file}: only libs/bus imports a NATS package, not "${specifier}"`);
    const library = /^@operator\/([^/]+)/.exec(specifier)?.[1];
    if (library === undefined) continue;
    if (library === "stack" && (isTest(file) || place === "cli" || place === "e2e" || place === "bench")) continue;
    if (place === "cli" || place === "compose" || place === "e2e" || place === "bench") {
      if (!(`libs/${library}` in leans) && library !== "cli")
        complaints.push(`${file}: "${specifier}": meets services on the bus only`);
    } else if (place.startsWith("libs/")) {
      if (!leans[place]?.includes(library) && place !== `libs/${library}`)
        complaints.push(`${file}: ${place} may lean on ${leans[place]?.join(", ") || "nothing"}, not "${specifier}"`);
    } else if (place.startsWith("services/")) {
      if (library === "stack" || !(`libs/${library}` in leans))
        complaints.push(`${file}: a service imports libraries only, not "${specifier}"`);
    } else if (place.endsWith("/service")) {
      complaints.push(`${file}: a subject's own service imports nothing of the operator, not "${specifier}"`);
    } else if (!["contracts", "subject", "evidence"].includes(library) && !isTest(file)) {
      complaints.push(`${file}: a room leans on contracts, subject and evidence only, not "${specifier}"`);
    }
  }
  return complaints;
}

test("imports go one way: contracts ← bus ← service, contracts ← subject ← evidence ← rooms, services meet on the bus", () => {
  expect(sources.flatMap(complaintsOfImports)).toEqual([]);
});

test("nothing outside a room names a subject: but tests, documents and the demo's default", () => {
  const names = [
    ...new Set(files.map((file) => /^subjects\/([^/]+)\//.exec(file)?.[1]).filter((name) => name !== undefined)),
  ];
  const complaints = sources
    .filter(
      (file) =>
        !file.startsWith("subjects/") && !isTest(file) && !file.startsWith("e2e/") && !file.startsWith("bench/"),
    )
    .flatMap((file) =>
      read(file)
        .split("\n")
        .flatMap((line, at) =>
          names.some((name) => new RegExp(`["'\`/]${name}["'\`/]`).test(line)) &&
          !/demo's default|^\s*(\/\*\*|\*|\/\/)/.test(line)
            ? [`${file}:${at + 1}: names a subject: ${line.trim()}`]
            : [],
        ),
    );
  expect(complaints).toEqual([]);
});

test("a pure heart touches no environment, network or clock: only main.ts and shells do", () => {
  // A checkpoint is a shell: it keeps what a heart remembers.
  const hearts = sources.filter(
    (file) =>
      /^services\/[^/]+\/src\/(?!checkpoint)(check|apply|track|explain|freshness|memory|probe|history|settle|judge|silence|recall|listening)[\w-]*\.ts$/.test(
        file,
      ) && !isTest(file),
  );
  expect(hearts.length, "the pattern finds no heart: a rule that matches nothing is silent").toBeGreaterThan(3);
  const complaints = hearts.flatMap((file) =>
    [
      /process\.(env|argv)/,
      /Date\.now\(|new Date\(\)/,
      /Math\.random\(/,
      /from "node:(net|http|fs|child_process|timers)/,
      /from "undici"|@operator\/bus/,
      /setTimeout|setInterval/,
    ]
      .filter((forbidden) => forbidden.test(read(file)))
      .map((forbidden) => `${file}: ${forbidden}`),
  );
  expect(complaints).toEqual([]);
});

test("the environment is read in one place of each program", () => {
  const complaints = sources
    .filter(
      (file) =>
        !isTest(file) &&
        /^(libs|services|subjects)\//.test(file) &&
        !/\/(main|config|settings|failpoint)[\w-]*\.ts$/.test(file) &&
        !file.startsWith("libs/stack/"),
    )
    .filter((file) => /process\.env\b/.test(read(file)))
    .filter((file) => !/compile-cache|colour/.test(file));
  expect(complaints).toEqual([]);
});

test("a main.ts is wiring on one screen", () => {
  const long = sources
    .filter((file) => /^services\/[^/]+\/src\/main\.ts$/.test(file))
    .map((file) => [file, read(file).split("\n").length] as const)
    .filter(([, lines]) => lines > 60);
  expect(long).toEqual([]);
});

test("files are named for what is in them, and short enough to answer one question", () => {
  const complaints = sources.flatMap((file) => {
    const name = file.split("/").at(-1) ?? "";
    const lines = read(file).split("\n").length;
    return [
      ...(/^(index|utils?|helpers?|common|types|misc)\.tsx?$/.test(name) ? [`${file}: named for nothing`] : []),
      ...(lines > (isTest(file) ? 700 : 320)
        ? [`${file}: ${lines} lines: when a file answers two questions, split it`]
        : []),
    ];
  });
  expect(complaints).toEqual([]);
});

test("no mock of the bus, of Redis or of a file: tests run on real servers", () => {
  expect(
    sources.filter((file) => file !== "tidy.test.ts" && /\bvi\.(mock|doMock|stubGlobal)\(/.test(read(file))),
  ).toEqual([]);
});

test("nothing is left undone or switched off in silence", () => {
  const marks = /TODO|FIXME|XXX|\.(skip|only|todo)\(|@ts-(ignore|nocheck)/;
  expect(sources.filter((file) => file !== "tidy.test.ts" && marks.test(read(file)))).toEqual([]);
});

test("every error code is in the catalogue, and every code of the catalogue is in the code", () => {
  const isOurs = (file: string) =>
    /^(libs|services|subjects\/[^/]+)\//.test(file) &&
    !/\/service\//.test(file) &&
    !isTest(file) &&
    !/\/baseline/.test(file);
  const code = sources.filter(isOurs).map(read).join("\n");
  const said = [...code.matchAll(/"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"/g)].map(([, name = ""]) => name);
  // Names of settings, and words of other programs' protocols.
  const codes = new Set(said.filter((name) => !/^(OPERATOR|NODE|RATELIMITER|TIKV|UND_ERR|EAI|EVAL)_/.test(name)));
  const catalogue = new Set(
    [...read("docs/errors.md").matchAll(/^\| (`[^|]+`) \|/gm)].flatMap(([, names = ""]) =>
      [...names.matchAll(/`([A-Z_]+)`/g)].map(([, name = ""]) => name),
    ),
  );
  expect(codes.size).toBeGreaterThan(50);
  expect(
    [...codes].filter((name) => !catalogue.has(name)),
    "not in docs/errors.md",
  ).toEqual([]);
  expect(
    [...catalogue].filter((name) => !code.includes(`"${name}"`)),
    "in docs/errors.md, but nowhere in the code",
  ).toEqual([]);
});

const Package = z.looseObject({
  name: z.string(),
  description: z.string().optional(),
  exports: z.record(z.string(), z.string()).optional(),
});

test("packages export files, and a service's description is what it does in the flow", () => {
  const packages = files
    .filter((file) => /^(libs|services)\/[^/]+\/package\.json$/.test(file))
    .map((file) => [file, Package.parse(JSON.parse(read(file)))] as const);
  expect(packages.length).toBeGreaterThan(8);
  for (const [file, { exports, description }] of packages) {
    expect(exports, file).toEqual({ "./*": "./src/*.ts" });
    if (file.startsWith("services/")) expect(description, file).toMatch(/^\w+ → \w+$/);
  }
});

test("no path or host of one machine is in the tree", () => {
  const marks = /[/](work|root)[/]|[/]home[/][a-z]/;
  expect(
    files.filter(
      (file) => /\.(ts|js|json|md|ya?ml|sh)$/.test(file) && file !== "package-lock.json" && marks.test(read(file)),
    ),
  ).toEqual([]);
});
