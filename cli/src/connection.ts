import { Bus } from "@operator/bus/bus";
import { BusError } from "@operator/bus/failure";
import { isStored } from "@operator/bus/inspect";
import { InstanceName } from "@operator/contracts/names";
import { CliError } from "./cli-error.ts";
import { type Context, readContext } from "./context.ts";
import type { Shell } from "./shell.ts";

/** The options that every command has. */
export interface GlobalOptions {
  server?: string;
  context?: string;
  json?: boolean;
}

/** Where to find the bus and by which password, with the origin of each for messages. */
export interface Connection {
  url: string;
  urlFrom: string;
  user: "cli" | "provision";
  password: string;
  context: Context | undefined;
}

const passwordVariables = { cli: "OPERATOR_NATS_PASSWORD", provision: "OPERATOR_NATS_PROVISION_PASSWORD" } as const;

/** Decides where to connect: option before environment before context file before the default. */
export function findConnection(
  shell: Pick<Shell, "env" | "root">,
  options: GlobalOptions,
  user: Connection["user"],
  ownPassword?: string,
): Connection {
  const found = readContext(options.context, shell.root);
  const context = found?.context;
  const variable = passwordVariables[user];
  const [url, urlFrom] =
    options.server !== undefined
      ? [options.server, "--server"]
      : shell.env["OPERATOR_NATS_URL"]
        ? [shell.env["OPERATOR_NATS_URL"], "OPERATOR_NATS_URL"]
        : found && context?.url !== undefined
          ? [context.url, found.file]
          : [
              "nats://127.0.0.1:4222",
              "the default, as neither --server, OPERATOR_NATS_URL nor a context file names one",
            ];
  checkUrl(url, urlFrom);
  // A password of the context file belongs to the server of that file: another one must not be shown it.
  const isOfContext = context?.url === undefined || context.url === url;
  const password = ownPassword ?? (shell.env[variable] || (isOfContext ? context?.passwords[user] : undefined));
  if (password === undefined) {
    const wherefore =
      context?.passwords[user] !== undefined
        ? `; the one in ${found?.file} is for ${context.url}, not for ${url}`
        : found
          ? `; ${found.file} has none`
          : "; there is no context file either: `npm run demo` writes one for its lifetime";
    throw new CliError("PASSWORD_MISSING", `no password for the bus's user "${user}": set ${variable}${wherefore}`);
  }
  return { url, urlFrom, user, password, context };
}

/** Connects within 3 s or says which server it was, where its name came from, and what to do. */
export async function connect(shell: Shell, connection: Connection): Promise<Bus> {
  const { url, urlFrom, user, password } = connection;
  const deadline = AbortSignal.timeout(connectWithinMs);
  const instance = InstanceName.parse(`${user}-${process.pid}`);
  try {
    return await Bus.connect({ servers: url, user, password, instance }, AbortSignal.any([deadline, shell.signal]));
  } catch (error) {
    const origin = `${url} (from ${urlFrom})`;
    if (error instanceof BusError && error.code === "BUS_REFUSED") {
      throw new CliError(
        "BUS_REFUSED",
        `the bus at ${origin} refused the user "${user}": is its password (${passwordVariables[user]}, or the context file) the one of nats-server's configuration?`,
      );
    }
    if (!deadline.aborted) throw error;
    throw new CliError(
      "BUS_UNREACHABLE",
      `no NATS server answered at ${origin} within ${connectWithinMs / 1000} s: start one (\`npm run demo\` does), or name another by --server or OPERATOR_NATS_URL`,
    );
  }
}

/** Without its streams every question would wait for them until its deadline: better said at once. */
export async function mustBeProvisioned(bus: Bus, { url }: Connection): Promise<void> {
  const why = await isStored(bus, "TICKETS").then(
    (stored) => (stored ? undefined : "there is none"),
    (error: unknown) => {
      if (error instanceof BusError && error.code === "BUS_AWAY") return error.message;
      throw error;
    },
  );
  if (why === undefined) return;
  throw new CliError(
    "BUS_INCOMPLETE",
    `the bus at ${url} answers, but its stream TICKETS doesn't (${why}): make the streams by \`operator provision\``,
  );
}

const connectWithinMs = 3_000;

function checkUrl(url: string, urlFrom: string): void {
  for (const one of url.split(",")) {
    const whole = one.includes("://") ? one : `nats://${one}`;
    const parsed = URL.canParse(whole) ? new URL(whole) : undefined;
    if (parsed && parsed.hostname !== "" && ["nats:", "tls:"].includes(parsed.protocol)) continue;
    throw new CliError("USAGE", `"${one}" (from ${urlFrom}) is no address of a NATS server: write nats://host:port`);
  }
}
