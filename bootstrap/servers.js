// Finds nats-server, redis-server and prometheus: on PATH, else in the project's cache, else gets them there.
// Plain JavaScript for any Node from 20 on: no dependencies, no root, starts no service.
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const cache = process.env.OPERATOR_CACHE ?? join(dirname(dirname(fileURLToPath(import.meta.url))), ".cache", "servers");
const libraries = { x64: "x86_64-linux-gnu", arm64: "aarch64-linux-gnu" }[process.arch];

/** @type {Record<string, {atLeast: [number, number], go?: string, debian?: string[], brew: string, byHand: string}>} */
const servers = {
  "nats-server": {
    atLeast: [2, 12],
    go: "github.com/nats-io/nats-server/v2@v2.15.2",
    brew: "nats-server",
    byHand: "https://github.com/nats-io/nats-server/releases, or Go 1.21 or newer for this script to build it",
  },
  "redis-server": {
    atLeast: [7, 0],
    debian: ["redis-server", "redis-tools", "liblzf1", "libjemalloc2", "libatomic1"],
    brew: "redis",
    byHand: "apt-get install redis-server (or your system's package)",
  },
  // What Debian's package depends on is for its web pages only; the program needs nothing but libc.
  prometheus: {
    atLeast: [2, 40],
    debian: ["prometheus"],
    brew: "prometheus",
    byHand: "https://prometheus.io/download, or apt-get install prometheus (or your system's package)",
  },
};

/**
 * Where the servers are and what their environment needs. Gets what is nowhere, all of them side by side.
 * @param {string[]} names of nats-server, redis-server, prometheus
 * @returns {Promise<Record<string, {file: string, env: Record<string, string>}>>}
 */
export async function findServers(names) {
  const results = await Promise.allSettled(names.map(findServer));
  const missing = results.flatMap((result) => (result.status === "rejected" ? [result.reason.message] : []));
  if (missing.length > 0) throw new Error(missing.join("\n\n"));
  return Object.fromEntries(names.map((name, at) => [name, results[at].value]));
}

async function findServer(name) {
  const server = servers[name];
  if (!server) throw new Error(`no server "${name}" is known here; there are ${Object.keys(servers).join(", ")}`);
  const found = onPath(name) ?? inCache(name);
  if (found) return found;
  const { go, debian, brew } = server;
  const goCommand =
    commandOf("go") ?? [`/usr/local/go/bin/go`, join(homedir(), "go/bin/go")].find((file) => existsSync(file));
  const ways = [
    [debian && libraries && commandOf("apt-get") && commandOf("dpkg-deb"), () => unpackDebian(name, debian)],
    [go && goCommand, () => installGo(name, goCommand, go)],
    [commandOf("brew"), () => run("brew", ["install", "--quiet", brew])],
  ];
  const failures = [];
  for (const [possible, get] of ways) {
    if (!possible) continue;
    const started = Date.now();
    try {
      await get();
      const got = inCache(name) ?? onPath(name);
      if (got) {
        console.error(`${name} ready after ${((Date.now() - started) / 1000).toFixed(1)} s`);
        return got;
      }
      failures.push(`it was fetched, but does not run in version ${server.atLeast.join(".")} or newer`);
    } catch (error) {
      failures.push(error.message);
    }
  }
  throw new Error(
    [
      `${name} ${server.atLeast.join(".")} or newer is needed: it is not on PATH, not in ${cache}, and could not be fetched.`,
      ...failures.map((failure) => `  ${failure}`),
      `Install it and run this again: ${server.byHand}; macOS: brew install ${brew}.`,
    ].join("\n"),
  );
}

function onPath(name) {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const server = { file: join(folder, name), env: {} };
    if (folder && works(server, servers[name].atLeast)) return server;
  }
  return undefined;
}

function inCache(name) {
  const built = { file: join(cache, "go", name), env: {} };
  if (works(built, servers[name].atLeast)) return built;
  const root = join(cache, "debian", name);
  const unpacked = {
    file: join(root, "usr", "bin", name),
    env: { LD_LIBRARY_PATH: join(root, "usr", "lib", libraries ?? "") },
  };
  return works(unpacked, servers[name].atLeast) ? unpacked : undefined;
}

/** Does it run at all (its libraries found), and is it new enough? */
function works({ file, env }, [majorLeast, minorLeast]) {
  try {
    accessSync(file, constants.X_OK);
  } catch {
    return false;
  }
  const said = spawnSync(file, ["--version"], { env: { ...process.env, ...env }, encoding: "utf8", timeout: 10_000 });
  const version = /v(?:ersion |=)?(\d+)\.(\d+)/.exec(`${said.stdout}${said.stderr}`);
  if (said.status !== 0 || !version) return false;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  return major > majorLeast || (major === majorLeast && minor >= minorLeast);
}

/** Packages unpacked, not installed: no maintainer script runs, so no service starts. */
async function unpackDebian(name, packages) {
  console.error(`fetching ${name}: unpacking Debian's packages into ${cache} …`);
  await atomically(join(cache, "debian", name), async (root) => {
    const debs = join(root, ".debs");
    mkdirSync(debs);
    try {
      await run("apt-get", ["download", "-q", ...packages], debs);
    } catch {
      // No package lists, or old ones: fetch lists of our own beside the system's, which belong to root.
      const state = join(cache, "apt");
      mkdirSync(join(state, "lists", "partial"), { recursive: true });
      const own = ["-q", "-o", `Dir::State::lists=${join(state, "lists")}`, "-o", `Dir::Cache=${state}`];
      await run("apt-get", [...own, "-o", "APT::Update::Post-Invoke::=true", "update"], debs);
      await run("apt-get", [...own, "download", ...packages], debs);
    }
    for (const deb of readdirSync(debs)) await run("dpkg-deb", ["-x", join(debs, deb), root]);
    rmSync(debs, { recursive: true });
  });
}

async function installGo(name, goCommand, module) {
  console.error(`building ${name}: go install ${module} (about a minute, once) …`);
  await atomically(join(cache, "go"), (folder) =>
    run(goCommand, ["install", "-trimpath", "-ldflags", "-s -w", module], folder, {
      GOBIN: folder,
      GOTOOLCHAIN: "auto",
      CGO_ENABLED: "0",
    }),
  );
}

/** Fills a folder beside its final place and moves it there whole: a broken download leaves nothing behind. */
async function atomically(place, fill) {
  mkdirSync(dirname(place), { recursive: true });
  const draft = mkdtempSync(`${place}-`);
  try {
    await fill(draft);
    if (existsSync(place)) rmSync(place, { recursive: true });
    renameSync(draft, place);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

function commandOf(command) {
  const said = spawnSync("sh", ["-c", `command -v ${command}`], { encoding: "utf8" });
  return said.status === 0 ? said.stdout.trim() : undefined;
}

/** Runs to its end, quietly; when it fails, its last words are the error. */
function run(command, args, cwd = cache, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let words = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk) => (words = `${words}${chunk}`.slice(-2000)));
    child.on("error", (error) => reject(new Error(`${command}: ${error.message}`)));
    child.on("close", (code) =>
      code === 0 ? resolve() : reject(new Error(`${command} ${args.join(" ")} ended with ${code}: ${words.trim()}`)),
    );
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  try {
    console.log(JSON.stringify(await findServers(process.argv.slice(2))));
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
