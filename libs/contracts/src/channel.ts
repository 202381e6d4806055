import type { z } from "zod";
import { compiledOf } from "./compiled.ts";
import type { StreamName } from "./streams.ts";
import { toToken } from "./tokens.ts";

/** Who may be on the bus: a service, a person's command, or a watcher. One NATS user each. */
export type UserName =
  | "observer"
  | "checker"
  | "ticketer"
  | "diagnoser"
  | "actuator"
  | "chaos"
  | "notifier"
  | "cli"
  | "watch"
  | "provision";

/** One kind of message: where it travels, who sends it, what it looks like, how its id is computed. */
export interface Channel<Message = unknown> {
  name: string;
  /** NATS subject with parameters, e.g. `operator.snapshot.<subject>.full`. */
  address: string;
  stream: StreamName;
  senders: readonly UserName[];
  readers: readonly UserName[];
  /** Grows when a message changes in a way that old readers can't read. */
  version: number;
  schema: z.ZodType<Message>;
  /** The address's parameters, read from the message itself, so that one can't contradict the other. */
  parameters: (message: Message) => Record<string, string>;
  /** Nats-Msg-Id: computed from the content, so that a repeat folds into itself. */
  id: (message: Message) => string;
  holds: string;
  /** People write it with any client: neither type nor source are asked of it. */
  plain?: boolean;
}

/** Its schema becomes generated code at its first use, as each message is checked by its sender and by every reader. */
export function defineChannel<Message>(channel: Channel<Message>): Channel<Message> {
  return {
    ...channel,
    get schema() {
      return compiledOf(channel.schema);
    },
  };
}

/** The CloudEvents type of a channel's messages, e.g. `operator.violation.v1`. */
export function typeOf(channel: Pick<Channel, "name" | "version">): string {
  return `operator.${channel.name}.v${channel.version}`;
}

/** The address that a message travels to. */
export function addressOf<Message>(channel: Channel<Message>, message: Message): string {
  const parameters = channel.parameters(message);
  return channel.address.replace(/<(\w+)>/g, (_, name: string) => {
    const value = parameters[name];
    if (value === undefined)
      throw new Error(
        `channel ${channel.name}: its address ${channel.address} wants <${name}>, its parameters have none`,
      );
    return toToken(value);
  });
}

/** The channel's address with `*` for each parameter that isn't given: a filter for readers and permissions. */
export function patternOf(channel: Pick<Channel<never>, "address">, given: Record<string, string> = {}): string {
  return channel.address.replace(/<(\w+)>/g, (_, name: string) => {
    const value = given[name];
    return value === undefined ? "*" : toToken(value);
  });
}
