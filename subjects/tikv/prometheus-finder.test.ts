import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";

// Where `bootstrap/servers.js` finds a Prometheus, with programs of our own: it sees nothing else of the machine.

const finder = fileURLToPath(new URL("../../bootstrap/servers.js", import.meta.url));
/** What Debian calls this machine, in the folder of its libraries. */
const libraries = process.arch === "arm64" ? "aarch64-linux-gnu" : "x86_64-linux-gnu";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "finder-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const place = {
  path: () => join(folder, "bin"),
  laterOnPath: () => join(folder, "later"),
  cache: () => join(folder, "cache"),
  unpacked: () => join(place.cache(), "debian", "prometheus", "usr", "bin"),
};
const unpackedEnv = () => ({
  LD_LIBRARY_PATH: join(place.cache(), "debian", "prometheus", "usr", "lib", libraries),
});

const prometheus = (version: string) => `echo "prometheus, version ${version} (branch: HEAD)"`;
const recent = prometheus("2.53.0");

test("on PATH: that one, though there's one in the cache", () => {
  program(place.path(), "prometheus", recent);
  program(place.unpacked(), "prometheus", recent);
  expect(find()).toMatchObject({ found: { file: join(place.path(), "prometheus"), env: {} } });
});

test.each([
  ["is too old", () => program(place.path(), "prometheus", prometheus("2.39.1"))],
  ["doesn't run", () => program(place.path(), "prometheus", `${recent}; exit 127`)],
  ["doesn't say which it is", () => program(place.path(), "prometheus", "echo hello")],
  ["is no program", () => chmodSync(program(place.path(), "prometheus", recent), 0o644)],
])("one that %s isn't taken: the next one on PATH is, then the cache's with its libraries", (_, put) => {
  put();
  program(place.unpacked(), "prometheus", recent);
  expect(find()).toMatchObject({ found: { file: join(place.unpacked(), "prometheus"), env: unpackedEnv() } });
  const later = program(place.laterOnPath(), "prometheus", prometheus("3.0.0"));
  expect(find()).toMatchObject({ found: { file: later, env: {} } });
});

test("nowhere, and no way to get it: says what is needed, where it looked, and what to do", () => {
  const { code, said } = find();
  expect(code).toBe(1);
  expect(said).toContain(
    `prometheus 2.40 or newer is needed: it is not on PATH, not in ${place.cache()}, and could not be fetched.`,
  );
  expect(said).toContain("apt-get install prometheus");
});

test("Debian's package is unpacked into the cache, and the next time it's there", () => {
  debian({ download: `printf '#!/bin/sh\n%s\n' '${recent}' > prometheus.deb` });
  const expected = { code: 0, found: { file: join(place.unpacked(), "prometheus"), env: unpackedEnv() } };
  expect(find()).toMatchObject(expected);
  // Neither the package nor the draft is left.
  expect(readdirSync(join(place.cache(), "debian"))).toEqual(["prometheus"]);
  expect(readdirSync(join(place.cache(), "debian", "prometheus"))).toEqual(["usr"]);
  program(place.path(), "apt-get", "exit 1");
  expect(find()).toMatchObject(expected);
});

test("without package lists it fetches lists of its own, beside the system's", () => {
  const asked = join(folder, "asked");
  // The lists are asked for with an option that says where they are.
  const download = `case "$*" in *Dir::State::lists=*) printf '#!/bin/sh\n%s\n' '${recent}' > prometheus.deb ;; *) exit 100 ;; esac`;
  debian({ download, update: `echo "$*" > ${asked}` });
  expect(find()).toMatchObject({ code: 0, found: { file: join(place.unpacked(), "prometheus") } });
  expect(existsSync(asked)).toBe(true);
});

test("a package that can't be unpacked leaves nothing behind, and its words are the error", () => {
  debian({ download: "echo broken > prometheus.deb", unpack: "echo 'not a Debian package' >&2; exit 2" });
  const { code, said } = find();
  expect(code).toBe(1);
  expect(said).toContain("ended with 2: not a Debian package");
  expect(readdirSync(join(place.cache(), "debian"))).toEqual([]);
});

test("a package whose program is too old is said to be", () => {
  debian({ download: `printf '#!/bin/sh\n%s\n' '${prometheus("2.24.1")}' > prometheus.deb` });
  const { code, said } = find();
  expect(code).toBe(1);
  expect(said).toContain("it was fetched, but does not run in version 2.40 or newer");
});

/** What the finder says, with nothing on PATH but what the test put there. */
function find(): { code: number | null; found: unknown; said: string } {
  const PATH = [place.path(), place.laterOnPath()].join(delimiter);
  const env = { PATH, OPERATOR_CACHE: place.cache() };
  const { status, stdout, stderr } = spawnSync(process.execPath, [finder, "prometheus"], { env, encoding: "utf8" });
  const found = status === 0 ? z.object({ prometheus: z.unknown() }).parse(JSON.parse(stdout)).prometheus : undefined;
  return { code: status, found, said: stderr };
}

/** Puts a program there, which runs this shell script. */
function program(at: string, name: string, script: string): string {
  mkdirSync(at, { recursive: true });
  const file = join(at, name);
  writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return file;
}

/** Debian's tools: what is fetched is the program itself, and unpacking puts it where packages have programs. */
function debian(scripts: { download: string; update?: string; unpack?: string }): void {
  const { download, update = "exit 1" } = scripts;
  const unpack =
    scripts.unpack ??
    '/bin/mkdir -p "$3/usr/bin" && /bin/cp "$2" "$3/usr/bin/prometheus" && /bin/chmod 755 "$3/usr/bin/prometheus"';
  program(place.path(), "apt-get", `case "$*" in *update*) ${update} ;; *) ${download} ;; esac`);
  program(place.path(), "dpkg-deb", unpack);
  symlinkSync("/bin/sh", join(place.path(), "sh"));
}
