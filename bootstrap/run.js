// Plain JavaScript for the machine's own Node (20 or newer): installs when needed, then runs the real entry under Node 24.
//   node bootstrap/run.js <file.ts> [arguments…]      node bootstrap/run.js --bin <name> [arguments…]
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { findServers } from "./servers.js";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, "node_modules", ".bin");
const stamp = join(root, "node_modules", ".installed");
const node = join(bin, "node");

const lock = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");
const installed = existsSync(stamp) && readFileSync(stamp, "utf8") === lock && existsSync(node);

// The longest step of a first start is compiling nats-server, so it runs beside npm; both say on stderr what they do.
const servers = findServers(["nats-server", "redis-server"]);
servers.catch(() => {}); // reported below, after the installation has been waited for
if (!installed) await install();
try {
  await servers;
} catch (error) {
  fail(error.message, constants.errno.ENOENT);
}

const [first, ...rest] = process.argv.slice(2);
if (first === undefined) fail("usage: node bootstrap/run.js (<file.ts> | --bin <name>) [arguments…]", 64);
const argv = first === "--bin" ? [join(bin, rest[0] ?? ""), ...rest.slice(1)] : [join(root, first), ...rest];
// A tool of node_modules may be a native program or a script of its own: only JavaScript goes through node itself.
const native = first === "--bin" && !readFileSync(argv[0], { encoding: "latin1" }).startsWith("#!/usr/bin/env node");
const child = spawn(native ? argv[0] : node, native ? argv.slice(1) : argv, {
  stdio: "inherit",
  env: {
    ...process.env,
    PATH: `${bin}${delimiter}${process.env.PATH ?? ""}`,
    TURBO_TELEMETRY_DISABLED: "1",
    DO_NOT_TRACK: "1",
  },
});
// Ctrl-C reaches the child by the terminal; a signal sent to this process alone is passed on. The child decides when it ends.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
}
child.on("error", (error) => fail(`${argv[0]}: ${error.message}`, 126));
child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 1)));

async function install() {
  const npm = process.env.npm_execpath?.endsWith(".js") ? [process.execPath, process.env.npm_execpath] : ["npm"];
  console.error("installing packages (npm ci) …");
  const started = Date.now();
  const code = await new Promise((resolve, reject) => {
    const ci = spawn(
      npm[0],
      [...npm.slice(1), "ci", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"],
      {
        cwd: root,
        stdio: ["ignore", 2, 2],
      },
    );
    ci.on("error", reject);
    ci.on("exit", resolve);
  }).catch((error) => fail(`npm could not be started: ${error.message}`, 127));
  if (code !== 0) fail(`npm ci ended with ${code}; its words stand above`, code ?? 1);
  if (!existsSync(node) || spawnSync(node, ["--version"]).status !== 0) {
    fail(
      `npm installed the package "node" without its program ${node}: allow its install script and run this again`,
      1,
    );
  }
  writeFileSync(stamp, lock);
  console.error(`installed in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

function fail(message, code) {
  console.error(message);
  process.exit(code);
}
