import { Command, InvalidArgumentError, Option } from "commander";
import { measureCompose } from "./compose.ts";
import type { Measuring } from "./figures.ts";
import { figureNames, measureEach, measureLoop, measureOne } from "./loop.ts";
import { loadNow, machineHere } from "./machine.ts";
import { measureQuiet } from "./quiet.ts";
import { runRawHop } from "./raw-hop.ts";
import { tikvFigures } from "./tikv.ts";
import { isReached, jsonOf, markdownOf, type Measured, type Report, writeReport } from "./report.ts";

const subject = "ratelimiter";
const stop = new AbortController();

const program = new Command("bench").description(
  "figures of the loop, each held to its limit: exit 1 when one isn't reached",
);
const json = new Option("--json", "the report as JSON on stdout, else as Markdown").default(false);
const quick = new Option(
  "--quick",
  "a tenth of each count and no report in bench/results: to see that it runs",
).default(false);
const seed = new Option("--seed <n>", "draws members and phases").argParser(whole).default(Date.now() % 1_000_000);

program
  .command("loop")
  .description(`measure ${figureNames.join(", ")}; ratios against raw limits in the same run`)
  .addOption(json)
  .addOption(quick)
  .addOption(seed)
  .addOption(new Option("--only <names>", "some figures, e.g. kill,hops").argParser(listed))
  .addOption(new Option("--rounds <n>", "rounds in which ours and raw take turns").argParser(whole).default(5))
  .action(async (options: { json: boolean; quick: boolean; seed: number; only?: string[]; rounds: number }) => {
    for (const name of options.only ?? []) {
      if (!figureNames.includes(name)) program.error(`no figure "${name}": there are ${figureNames.join(", ")}`);
    }
    const name = ["loop", ...(options.only ?? [])].join("-");
    await report(name, options, (measuring) => measureLoop(options.only ?? figureNames, measuring));
  });

program
  .command("quiet")
  .description("healthy load for a while: no ticket that the load generator's own figures contradict")
  .addOption(json)
  .addOption(quick)
  .addOption(seed)
  .addOption(new Option("--minutes <n>", "how long").argParser(whole).default(60))
  .addOption(new Option("--busy", "one busy loop per core at nice 19").default(false))
  .action(async (options: { json: boolean; quick: boolean; seed: number; minutes: number; busy: boolean }) => {
    const name = options.busy ? "quiet-busy" : "quiet";
    const given = { minutes: options.minutes / (options.quick ? 10 : 1), busy: options.busy };
    await report(name, { ...options, rounds: 1 }, async (measuring) => [
      await measureOne(name, () => measureQuiet(measuring, given), measuring),
    ]);
  });

program
  .command("compose")
  .description("the stack in containers: up, a killed container's ticket, what the operator takes; needs Docker")
  .addOption(json)
  .addOption(quick)
  .addOption(seed)
  .action(async (options: { json: boolean; quick: boolean; seed: number }) => {
    await report("compose", { ...options, rounds: 1 }, async (measuring) => [
      await measureOne("compose", () => measureCompose(measuring), measuring),
    ]);
  });

program
  .command("tikv")
  .description(`the loop on a simulated TiKV cluster: ${Object.keys(tikvFigures).join(", ")}`)
  .addOption(json)
  .addOption(quick)
  .addOption(seed)
  .addOption(new Option("--only <names>", "some figures, e.g. kill,pause").argParser(listed))
  .action(async (options: { json: boolean; quick: boolean; seed: number; only?: string[] }) => {
    const names = options.only ?? Object.keys(tikvFigures);
    const unknown = names.find((name) => !Object.hasOwn(tikvFigures, name));
    if (unknown !== undefined) {
      program.error(`no figure "${unknown}": there are ${Object.keys(tikvFigures).join(", ")}`);
    }
    const name = ["tikv", ...(options.only ?? [])].join("-");
    await report(name, { ...options, rounds: 1 }, (measuring) =>
      measureEach(tikvFigures, names, { ...measuring, subject: "tikv" }),
    );
  });

program.command("raw-hop", { hidden: true }).action(() => runRawHop(process.env));

await program.parseAsync();

/** Measures, says what came of it, and keeps the report. Ctrl-C stops what was started and keeps none. */
async function report(
  name: string,
  options: { json: boolean; quick: boolean; seed: number; rounds: number },
  measure: (measuring: Measuring) => Promise<Measured[]>,
): Promise<void> {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort());
  const started = performance.now();
  const say = (text: string) =>
    console.error(`${((performance.now() - started) / 1_000).toFixed(0).padStart(5)} s  ${text}`);
  const [startedAt, loadBefore] = [new Date().toISOString(), loadNow()];
  const machine = await machineHere();
  const { rounds } = options;
  try {
    const figures = await measure({
      subject,
      rounds,
      seed: options.seed,
      shortenedBy: options.quick ? 10 : 1,
      say,
      signal: stop.signal,
    });
    const command = ["npm run bench --", ...process.argv.slice(2)].join(" ");
    const found: Report = {
      command,
      startedAt,
      endedAt: new Date().toISOString(),
      machine,
      loadBefore,
      loadAfter: loadNow(),
      rounds,
      figures,
    };
    console.log(options.json ? jsonOf(found) : markdownOf(found));
    if (!options.quick) say(`kept as ${writeReport(found, name)}`);
    process.exitCode = isReached(found) ? 0 : 1;
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    say("stopped");
    process.exitCode = 130;
  }
}

function listed(text: string): string[] {
  return text.split(",").map((name) => name.trim());
}

function whole(text: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  throw new InvalidArgumentError(`"${text}" is no whole number above 0.`);
}
