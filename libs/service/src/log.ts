import { traceId } from "@operator/bus/trace";
import { type Logger, pino, stdTimeFunctions } from "pino";

export type { Logger } from "pino";

const secretLengthMin = 6;

/** JSON lines on standard output. Whatever contains one of the secrets is written without it, wherever it came from. */
export function createLogger(options: {
  service: string;
  instance: string;
  level: string;
  secrets: readonly string[];
  write?: (line: string) => void;
}): Logger {
  const write = options.write ?? ((line: string) => void process.stdout.write(line));
  const secrets = options.secrets.filter((secret) => secret.length >= secretLengthMin);
  return pino(
    {
      level: options.level,
      base: { service: options.service, instance: options.instance },
      timestamp: stdTimeFunctions.isoTime,
      mixin: () => {
        const trace = traceId();
        return trace === undefined ? {} : { trace };
      },
    },
    { write: (line) => write(secrets.reduce((text, secret) => text.replaceAll(secret, "[redacted]"), line)) },
  );
}
