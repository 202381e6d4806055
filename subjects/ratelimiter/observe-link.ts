import { Redis, ReplyError } from "ioredis";

const commandMs = 500;
/** So long without an answer, and the connection is taken for dead. */
const silentMs = 5_000;

/** Asks Redis one command, within half a second. */
export interface RedisLink {
  call: (command: string, ...args: string[]) => Promise<unknown>;
  close: () => void;
}

/** Connects now and for ever. A command waits for the connection within its time, fails with it, and is never sent twice. */
export function connectRedis(url: string): RedisLink {
  const redis = new Redis(url, {
    connectionName: "operator-observer",
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    commandTimeout: commandMs,
    connectTimeout: 1_000,
    socketTimeout: silentMs,
    retryStrategy: (attempt) => Math.min(50 * attempt, 500),
  });
  // A failure shows where something is asked; an error without a listener would end the process.
  redis.on("error", () => {});
  return {
    call: async (command, ...args) => {
      if (redis.status !== "ready") await isReady(redis);
      try {
        return await redis.call(command, ...args);
      } catch (error) {
        throw coded(error);
      }
    },
    close: () => redis.disconnect(),
  };
}

async function isReady(redis: Redis): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const late = () => reject(new RedisFailure("REDIS_UNREACHABLE", `no connection to Redis within ${commandMs} ms`));
  const timer = setTimeout(late, commandMs);
  redis.once("ready", resolve);
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    redis.off("ready", resolve);
  }
}

/** ioredis has no codes: a reply is told by its class, a limit by its words, the rest is the connection's. */
function coded(error: unknown): RedisFailure {
  const why = error instanceof Error ? error : new Error(String(error));
  if (why instanceof ReplyError) return new RedisFailure("REDIS_REFUSES", why.message);
  if (why.message === "Command timed out")
    return new RedisFailure("REDIS_TIMEOUT", `Redis didn't answer within ${commandMs} ms`);
  return new RedisFailure("REDIS_UNREACHABLE", why.message);
}

class RedisFailure extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}
