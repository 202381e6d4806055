import { z } from "zod";
import type { ProcessPlan } from "./processes.ts";
import type { RoomFiles } from "./room.ts";

/** That people are told of each variable, and of its default as it is. */
export function examineSettings({ settings, settingsHelp }: RoomFiles["settings"]): string[] {
  const helped = settingsHelp.map(({ name }) => name);
  const given = Object.keys(settings);
  const schema = z.object(settings);
  return [
    ...given
      .filter((name) => !helped.includes(name))
      .map((name) => `settings.ts: ${name} is read and not in settingsHelp`),
    ...settingsHelp.flatMap(({ name, default: value }, i) => {
      if (!given.includes(name)) return [`settings.ts: settingsHelp has ${name}, which isn't read`];
      if (helped.indexOf(name) !== i) return [`settings.ts: settingsHelp has ${name} twice`];
      const field = schema.shape[name];
      const mayBeAbsent = z.safeParse(field ?? z.never(), undefined).success;
      if (value === undefined || mayBeAbsent) return [];
      return [`settings.ts: settingsHelp says that ${name} is ${JSON.stringify(value)} unless set, but it must be set`];
    }),
  ];
}

/** That the plan of processes is made of what it asks for, and sets what the room reads. */
export function examineProcesses(plan: ProcessPlan, settings: Record<string, unknown>): string[] {
  const ports = Object.fromEntries(plan.ports.map((name, i) => [name, 20_001 + i]));
  const secrets = Object.fromEntries(plan.secrets.map((name) => [name, "a-secret-of-the-exam-0123456789"]));
  try {
    const specs = plan.specs({ ports, secrets, folder: "/tmp/exam" });
    const names = specs.map(({ name }) => name);
    const twice = names.filter((name, i) => names.indexOf(name) !== i);
    const unlabelled = specs.filter(({ target, labels }) => target !== undefined && Object.keys(labels).length === 0);
    const environment = plan.environment({ ports, secrets, logFile: (name) => `/tmp/exam/${name}.log` });
    const forWriters = plan.writeEnvironment?.({ secrets }) ?? {};
    const foreign = Object.keys({ ...environment, ...forWriters }).filter((name) => !Object.hasOwn(settings, name));
    const told = Object.values(secrets).filter((secret) => JSON.stringify(environment).includes(secret));
    return [
      ...twice.map((name) => `processes.ts: two programs are named ${name}`),
      ...unlabelled.map(({ name }) => `processes.ts: ${name} is a target without a label, so no fault may touch it`),
      ...(told.length > 0 ? ["processes.ts: its environment tells everybody a secret: only writeEnvironment may"] : []),
      ...foreign.map((name) => `processes.ts: its environment sets ${name}, which settings.ts doesn't read`),
      ...specs
        .filter(({ arguments: given, environment }) => /undefined|NaN/.test(JSON.stringify([given, environment])))
        .map(({ name }) => `processes.ts: ${name} is started with "undefined": a port or secret that wasn't asked for`),
    ];
  } catch (error) {
    return [`processes.ts: throws: ${error instanceof Error ? error.message : String(error)}`];
  }
}
