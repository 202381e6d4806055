import { z } from "zod";

const hostPort = /^[A-Za-z0-9._-]+:\d{1,5}$/;
const url = z.url({ protocol: /^http$/, error: "must be like http://127.0.0.1:2379" });

const shared = {
  /** Every waiting time of PD and TiKV is divided by it. */
  TIKV_SIMULATOR_TIME_SCALE: number(1, 1_000).default(1),
  /** Where the process listens; what it tells others is in its addresses. */
  TIKV_SIMULATOR_HOST: z.string().default("127.0.0.1"),
};

const PdConfig = z.object({
  ...shared,
  TIKV_SIMULATOR_NAME: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, { error: "must be a name like pd-1" }),
  TIKV_SIMULATOR_CLIENT_URL: url,
  /** Members by name, itself among them: `pd-1=http://127.0.0.1:2380,…`. */
  TIKV_SIMULATOR_INITIAL_CLUSTER: pairs(/^http:\/\/[A-Za-z0-9._-]+:\d{1,5}$/, "pd-1=http://127.0.0.1:2380,pd-2=…"),
  TIKV_SIMULATOR_DATA: folder(),
  /** Once so many stores are there, a fresh cluster's regions are laid out over them. */
  TIKV_SIMULATOR_STORE_COUNT: whole(1, 10_000).default(3),
  TIKV_SIMULATOR_REGIONS: whole(1, 100_000).default(30),
});

const TikvConfig = z.object({
  ...shared,
  /** Address and status address of each store that this process is: `127.0.0.1:20160=127.0.0.1:20180,…`. */
  TIKV_SIMULATOR_STORES: pairs(hostPort, "127.0.0.1:20160=127.0.0.1:20180"),
  TIKV_SIMULATOR_PD: list(),
  TIKV_SIMULATOR_DATA: folder(),
  TIKV_SIMULATOR_CAPACITY_GIB: number(8, 1_000_000).default(100),
  /** How long a SIGTERM waits until PD has moved its leaders away. */
  TIKV_SIMULATOR_DRAIN_MS: whole(0, 600_000).default(20_000),
});

const WorkloadConfig = z.object({
  ...shared,
  TIKV_SIMULATOR_PD: list(),
  TIKV_SIMULATOR_PORT: whole(0, 65_535),
  TIKV_SIMULATOR_PUTS_PER_S: number(0, 1_000_000).default(150),
  TIKV_SIMULATOR_GETS_PER_S: number(0, 1_000_000).default(250),
  TIKV_SIMULATOR_VALUE_BYTES: whole(1, 1_048_576).default(1_024),
});

type Environment = Record<string, string | undefined>;
export const readPdConfig = (environment: Environment = process.env) => readConfig(PdConfig, environment);
export const readTikvConfig = (environment: Environment = process.env) => readConfig(TikvConfig, environment);
export const readWorkloadConfig = (environment: Environment = process.env) => readConfig(WorkloadConfig, environment);

/** Throws with every bad variable; an empty one counts as unset. */
function readConfig<T>(schema: z.ZodType<T>, environment: Environment): T {
  const read = schema.safeParse(Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== "")));
  if (read.success) return read.data;
  const problems = read.error.issues.map((issue) => {
    const name = String(issue.path[0]);
    const value = environment[name];
    return value === undefined
      ? `${name}: is not set, but required`
      : `${name}=${JSON.stringify(value)}: ${issue.message}`;
  });
  throw new Error(`the configuration can't be used:\n${problems.join("\n")}`);
}

function number(min: number, max: number) {
  const error = `must be a number from ${min} to ${max}`;
  return z.string().transform(Number).pipe(z.number({ error }).min(min, { error }).max(max, { error }));
}

function whole(min: number, max: number) {
  const error = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^\d+$/, { error })
    .transform(Number)
    .pipe(z.int({ error }).min(min, { error }).max(max, { error }));
}

function folder() {
  return z.string().startsWith("/", { error: "must be an absolute path of a folder of its own" });
}

function list() {
  return z
    .string()
    .transform((text) => text.split(",").map((part) => part.trim()))
    .pipe(z.array(url).min(1));
}

function pairs(right: RegExp, example: string) {
  return z.string().transform((text, context) => {
    const read = new Map<string, string>();
    for (const part of text.split(",")) {
      const [left = "", value = "", ...rest] = part.trim().split("=");
      if (left !== "" && right.test(value) && rest.length === 0) read.set(left, value);
      else context.addIssue(`"${part}" can't be read: write ${example}`);
    }
    return read;
  });
}
