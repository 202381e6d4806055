import { isAbsolute } from "node:path";
import { z } from "zod";

/** What a part of a list is: its name and value, or what is to be said after the part in quotes. */
type Part<T> = readonly [name: string, value: T] | { problem: string };

/** A setting that lists values by name, `name=value,…`; unset it's empty. `read` says what each part is. */
export function listByName<T>(read: (part: string) => Part<T>) {
  return z
    .string()
    .default("")
    .transform((text, context) => {
      const values = new Map<string, T>();
      for (const part of text.split(",").filter((part) => part.trim() !== "")) {
        const known = read(part.trim());
        if ("problem" in known) context.addIssue(`"${part}" ${known.problem}`);
        else values.set(...known);
      }
      return values;
    });
}

/** A setting that lists log files by the target that writes them: `target=/path/of/its.log,…`. */
export function logFiles(isTarget: (target: string) => boolean, problem: string) {
  return listByName((part): Part<string> => {
    const [target = "", ...rest] = part.split("=");
    const file = rest.join("=");
    return isTarget(target) && isAbsolute(file) ? [target, file] : { problem };
  });
}

/** Reads a room's environment; an empty variable counts as unset. It throws with every bad variable. */
export function settingsReader<Shape extends z.ZodRawShape>(whose: string, settings: Shape) {
  const schema = z.object(settings);
  return (environment: Record<string, string | undefined>): z.infer<z.ZodObject<Shape>> => {
    const given = Object.entries(environment).filter(([name, value]) => name in settings && value !== "");
    const read = schema.safeParse(Object.fromEntries(given));
    if (read.success) return read.data;
    throw new Error(`the settings of ${whose} can't be used:\n${z.prettifyError(read.error)}`);
  };
}
