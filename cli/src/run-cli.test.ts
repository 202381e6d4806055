import { expect, test } from "vitest";
import { Desk } from "./cli.fixture.ts";

test.each([
  { why: "no command", argv: [], says: "Usage: operator [options] [command]" },
  { why: "half a command", argv: ["tickets"], says: "Usage: operator tickets" },
  { why: "a mistyped command", argv: ["statsu"], says: "unknown command 'statsu' (Did you mean status?) [USAGE]" },
  {
    why: "a mistyped command of a command",
    argv: ["tickets", "acknowledge", "x"],
    says: "unknown command 'acknowledge'",
  },
  { why: "a mistyped option", argv: ["status", "--wach"], says: "unknown option '--wach' (Did you mean --watch?)" },
  { why: "a missing ticket", argv: ["tickets", "show"], says: "missing required argument 'ticket'" },
  { why: "one argument too many", argv: ["tickets", "show", "a", "b"], says: "too many arguments" },
  {
    why: "a missing reason",
    argv: ["tickets", "resolve", "x"],
    says: "required option '--reason <text>' not specified",
  },
  { why: "an empty reason", argv: ["tickets", "hold", "x", "--reason", " "], says: "1 to 2000 characters are wanted" },
  { why: "nobody", argv: ["tickets", "ack", "x", "--by", ""], says: "1 to 100 characters are wanted" },
  { why: "a limit of nothing", argv: ["tickets", "list", "--limit", "0"], says: "'0' is invalid" },
  {
    why: "a status that is none",
    argv: ["tickets", "list", "--status", "opened"],
    says: "Allowed choices are open, closed, all.",
  },
  { why: "an even number of replicas", argv: ["provision", "--replicas", "2"], says: "1, 3 or 5 is wanted" },
  { why: "a value that acts on terminals", argv: ["\x1b[2J"], says: "unknown command '\\x1b[2J'" },
])("a command line with $why ends with 64 and says what is wrong", async ({ argv, says }) => {
  using desk = new Desk();
  const ended = await desk.run(argv);
  expect(ended).toMatchObject({ code: 64, out: "" });
  expect(ended.err.replaceAll(/\s+/g, " ")).toContain(says.replaceAll(/\s+/g, " "));
  expect(ended.err).not.toMatch(/[^\P{Cc}\n]/u);
});

test("with --json errors are one document on standard error", async () => {
  using desk = new Desk();
  const ended = await desk.run(["tickets", "shw", "--json"]);
  expect(ended).toMatchObject({ code: 64, out: "" });
  expect(JSON.parse(ended.err)).toEqual({
    error: { code: "USAGE", message: "unknown command 'shw' (Did you mean show?)" },
  });
  // Behind `--` it's a word like any other.
  expect((await desk.run(["tickets", "shw", "--", "--json"])).err).not.toContain("{");
});

test("help that was asked for is no failure", async () => {
  using desk = new Desk();
  for (const argv of [["--help"], ["help", "status"], ["tickets", "show", "--help"]]) {
    const ended = await desk.run(argv);
    expect(ended).toMatchObject({ code: 0, err: "" });
    expect(ended.out).toContain("Usage: operator");
  }
});
