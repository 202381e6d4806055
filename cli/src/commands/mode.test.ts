import { join } from "node:path";
import { readApprovers } from "@operator/approval/approvers-file";
import { executeMode } from "@operator/approval/execute-mode";
import type { Bus } from "@operator/bus/bus";
import type { Bucket } from "@operator/bus/bucket";
import { SubjectName } from "@operator/contracts/names";
import { Control, controlAtFirst, controlKey, InFlight } from "@operator/contracts/control";
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { Loop, until } from "../cli.fixture.ts";
import { SilentProxy } from "../silent-proxy.fixture.ts";

// No service runs: the mode is the command's own writing.
let loop: Loop;
let actuator: Bus;
let bucket: Bucket<Control>;
let folder: string;
beforeEach(async () => {
  loop = await Loop.start();
  actuator = await loop.as("actuator");
  bucket = await actuator.bucket("control", Control);
  folder = join(loop.desk.root, "keys");
  await loop.run(["keys", "new", "--name", "ada", "--mode", "--folder", folder]);
});
afterEach(() => loop[Symbol.asyncDispose]());

const control = async () => (await bucket.get(controlKey))?.value;
const execute = (...argv: string[]) =>
  loop.run(["mode", "execute", "--key", join(folder, "ada.pem"), "--json", ...argv]);
const subject = SubjectName.parse("ratelimiter");
const claim = InFlight.parse({
  action: "ratelimiter.node_down.node-a.1.1.1",
  by: "actuator-1",
  claimedAtMs: Date.now(),
  untilMs: Date.now() + 30_000,
});
const Documents = z.array(z.looseObject({}));
const documentsOf = (out: string) =>
  Documents.parse(
    out
      .trim()
      .split("\n")
      .map((line): unknown => JSON.parse(line)),
  );

test("at first it's observe; execute is signed for the next term, keeps what is in flight, and counts", async () => {
  expect((await loop.run(["mode", "show"])).out).toMatch(/^✓ observe .*\n +written +observe, term 0\n/);
  await bucket.create(controlKey, { ...controlAtFirst, term: 3, inFlight: { [subject]: claim } });
  const ended = await execute("--for", "2h", "--reason", "a quiet afternoon");
  expect(ended).toMatchObject({ code: 0, err: "" });
  const now = await control();
  if (!now) throw new Error("nothing was written");
  expect(now).toMatchObject({ mode: "execute", term: 4, reason: "a quiet afternoon", inFlight: { [subject]: claim } });
  const mode = executeMode(now, readApprovers(join(folder, "approvers.json")), Date.now());
  expect(mode).toMatchObject({ ok: true, approver: { name: "ada" } });
  if (mode.ok) expect(mode.untilMs - now.atMs).toBe(7_200_000);

  const page = (await loop.run(["mode", "show"])).out;
  expect(page).toMatch(/^▶ execute /);
  expect(page.replaceAll(/\s+/g, " ")).toContain(`in flight ${claim.action}, claimed by actuator-1`);
});

test("whether execute counts: with the approvers' file the signature too, else form, term and time", async () => {
  await execute();
  const signed = await control();
  if (!signed) throw new Error("nothing was written");
  const file = join(folder, "approvers.json");
  const shown = async (written: Control, ...argv: string[]) => {
    await bucket.change(controlKey, () => written);
    const Shown = z.object({ validity: z.looseObject({ mode: z.string() }) });
    return Shown.parse(JSON.parse((await loop.run(["mode", "show", "--json", ...argv])).out)).validity;
  };
  expect(await shown(signed)).toMatchObject({ mode: "execute", checked: false });
  expect(await shown(signed, "--approvers", file)).toMatchObject({ mode: "execute", checked: true });
  const { statement, ...unsigned } = signed;
  expect(await shown(unsigned)).toMatchObject({ mode: "observe", code: "STATEMENT_MISSING" });
  expect(await shown({ ...signed, term: signed.term + 1 })).toMatchObject({ mode: "observe", code: "TERM_DIFFERS" });
  const forged = { ...signed, statement: { statement: statement?.statement ?? "", signature: "AA" } };
  expect(await shown(forged, "--approvers", file)).toMatchObject({ mode: "observe", code: "SIGNATURE_INVALID" });
  expect(await shown({ ...signed, statement: { statement: "{", signature: "" } })).toMatchObject({
    code: "STATEMENT_MALFORMED",
  });
  await bucket.change(controlKey, () => signed);
  const later = { nowMs: () => Date.now() + 3_600_000 };
  expect((await loop.run(["mode", "show"], later)).out.replaceAll(/\s+/g, " ")).toContain(
    "execute doesn't count: it held until",
  );
  expect((await loop.run(["mode", "show", "--approvers", join(folder, "none.json")])).code).toBe(78);
});

test("execute for longer than 8 h, and without a key, is refused", async () => {
  expect(await execute("--for", "9h")).toMatchObject({ code: 64 });
  expect(await loop.run(["mode", "execute"])).toMatchObject({ code: 64, err: expect.stringContaining("--key") });
  expect(await control()).toBeUndefined();
});

test("the kill switch needs no service: a new term at once, timed, nothing can begin", async () => {
  await execute();
  const ended = await loop.run(["kill-switch", "--reason", "it makes it worse"]);
  expect(ended).toMatchObject({ code: 0, err: "" });
  const [, tookMs] =
    /^✓ acknowledged after (\d+) ms: no action can be claimed from now on, term 2\n/.exec(ended.out) ?? [];
  // The figure is for a benchmark on a quiet machine; here, that nothing waits for a deadline.
  expect(Number(tookMs)).toBeLessThan(3_000);
  expect(ended.out).toMatch(/in flight +nothing\n✓ settled: nothing can begin\n$/);
  expect(await control()).toEqual({
    mode: "observe",
    term: 2,
    by: "ada",
    atMs: expect.any(Number),
    reason: "it makes it worse",
    inFlight: {},
  });
  // Again is a new term again: whoever is about to sign execute for the next one comes too late.
  expect(await loop.run(["mode", "observe"])).toMatchObject({ code: 0 });
  expect(await control()).toMatchObject({ mode: "observe", term: 3, reason: "observe" });
});

test("it works on a bus where nothing was ever written, and nobody has a name", async () => {
  expect(await loop.run(["kill-switch"], { env: {} })).toMatchObject({ code: 0, err: "" });
  expect(await control()).toMatchObject({ mode: "observe", term: 1, by: "nobody named" });
});

test("what is in flight is named, and nothing is said to be settled before it is", async () => {
  await bucket.create(controlKey, { ...controlAtFirst, inFlight: { [subject]: claim } });
  const quick = await loop.run(["kill-switch", "--no-wait"]);
  expect(quick).toMatchObject({ code: 0, err: "" });
  expect(quick.out).toContain(claim.action);
  expect(quick.out).not.toContain("nothing can begin");
  expect(await control(), "kept").toMatchObject({ inFlight: { [subject]: claim } });

  const other = SubjectName.parse("other");
  const otherClaim = InFlight.parse({ ...claim, action: "other.node_down.node-b.1.1.1" });
  await bucket.change(controlKey, (now) => now && { ...now, inFlight: { ...now.inFlight, [other]: otherClaim } });
  let out = "";
  const ending = loop.run(["kill-switch", "--json"], { out: (text) => (out += text) });
  await until("it's acknowledged", () => (out.includes("\n") ? true : undefined));
  await bucket.change(controlKey, (now) => now && { ...now, inFlight: { [subject]: claim } });
  await until("one is settled", () => (out.includes(`"settledAction":"${otherClaim.action}"`) ? true : undefined));
  expect(out).not.toContain('"settled":true');
  await bucket.change(controlKey, (now) => now && { ...now, inFlight: {} });
  expect(await ending).toMatchObject({ code: 0, err: "" });
  expect(documentsOf(out)).toMatchObject([
    { settled: false, inFlight: [claim, otherClaim] },
    { settledAction: otherClaim.action },
    { settledAction: claim.action },
    { settled: true, control: { mode: "observe", term: 2 } },
  ]);
});

test("settled isn't said when somebody allowed actions again meanwhile", async () => {
  await bucket.create(controlKey, { ...controlAtFirst, inFlight: { [subject]: claim } });
  let out = "";
  const ending = loop.run(["kill-switch", "--json"], { out: (text) => (out += text) });
  await until("it's acknowledged", () => (out.includes("\n") ? true : undefined));
  await bucket.change(controlKey, (now) => now && { ...now, mode: "execute", term: now.term + 1, inFlight: {} });
  expect(await ending).toMatchObject({ code: 3, err: expect.stringContaining("MODE_CHANGED") });
  expect(out).not.toContain('"settled":true');
});

test("under contention it's written, and no write of another is lost or comes after it unseen", async () => {
  await bucket.create(controlKey, controlAtFirst);
  // Three that claim and settle as fast as they can, as actuators would; each claim only while the term is the first.
  const stop = new AbortController();
  let written = 0;
  const claimant = async (n: number) => {
    const own = SubjectName.parse(`subject_${n}`);
    while (!stop.signal.aborted) {
      const entry = await bucket.get(controlKey);
      if (!entry || entry.value.term !== 0) return;
      const { [own]: mine, ...others } = entry.value.inFlight;
      const inFlight = mine ? others : { ...others, [own]: { ...claim, by: InFlight.shape.by.parse(`actuator-${n}`) } };
      if ((await bucket.update(controlKey, { ...entry.value, inFlight }, entry.revision)) !== "conflict") written += 1;
    }
  };
  const claimants = [1, 2, 3].map(claimant);
  await until("they are writing", () => (written > 20 ? true : undefined));
  const ended = await loop.run(["kill-switch", "--no-wait", "--json"]);
  const atKill = await control();
  if (atKill?.term !== 1) stop.abort();
  await Promise.all(claimants);
  expect(ended).toMatchObject({ code: 0, err: "" });
  const [said] = documentsOf(ended.out);
  expect(said).toMatchObject({ acknowledgedAfterMs: expect.any(Number), control: { mode: "observe", term: 1 } });
  expect(said?.["control"], "nothing was claimed after it, nothing that was in flight was lost").toEqual(atKill);
  expect(await control()).toEqual(atKill);
});

test("execute that was overtaken by the kill switch is refused: who signed didn't know of it", async () => {
  const ended = await loop.run(["mode", "execute", "--key", join(folder, "ada.pem"), "--json"], {
    isTerminal: true,
    ask: async (question) => {
      expect(question).toBe("Sign that actions may be executed for 60 min, in term 1? [yes/no] ");
      expect(await loop.run(["kill-switch", "--by", "grace"])).toMatchObject({ code: 0 });
      return "yes";
    },
  });
  expect(ended).toMatchObject({ code: 3, out: "" });
  expect(JSON.parse(ended.err)).toMatchObject({ error: { code: "MODE_CHANGED" } });
  expect(ended.err).toContain("grace changed the mode meanwhile");
  expect(await control()).toMatchObject({ mode: "observe", term: 1, by: "grace" });
});

test("a term that went back, or was removed, goes on above the highest that there was", async () => {
  await bucket.create(controlKey, { ...controlAtFirst, term: 8 });
  await bucket.change(controlKey, (now) => now && { ...now, term: 3 });
  expect(await execute()).toMatchObject({ code: 0 });
  expect(await control()).toMatchObject({ mode: "execute", term: 9 });
  await bucket.remove(controlKey);
  expect(await execute()).toMatchObject({ code: 0 });
  expect(await control()).toMatchObject({ mode: "execute", term: 10 });
});

test("on a terminal execute is asked for, and anything but yes signs nothing", async () => {
  const ended = await loop.run(["mode", "execute", "--key", join(folder, "ada.pem")], {
    isTerminal: true,
    ask: async () => "ok",
  });
  expect(ended).toMatchObject({ code: 7, err: expect.stringContaining("NOT_CONFIRMED") });
  expect(await control()).toBeUndefined();
});

test("an entry that can't be read is overwritten, with a term that none can have come to", async () => {
  const broken = await actuator.bucket("control", z.unknown());
  await broken.create(controlKey, { mode: "execute", term: "four" });
  const ended = await loop.run(["kill-switch", "--json"]);
  expect(ended).toMatchObject({ code: 0, err: "" });
  expect(documentsOf(ended.out)).toMatchObject([{ wasReadable: false, settled: false }]);
  const now = await control();
  expect(now).toMatchObject({ mode: "observe" });
  expect(now?.term).toBeGreaterThan(1_700_000_000_000);
});

test("a bus without its buckets is said within a few seconds, and that nothing was written", async () => {
  await using bare = await Loop.start({ isProvisioned: false });
  const ended = await bare.run(["kill-switch"]);
  expect(ended).toMatchObject({ code: 69, out: "", err: expect.stringContaining("BUS_INCOMPLETE") });
  expect(ended.err).toContain("the kill switch is NOT engaged, nothing was written");
});

test("a bus that is away isn't acknowledged, which is said", async () => {
  const ended = await loop.run(["kill-switch", "--server", "nats://127.0.0.1:1"], {
    env: { OPERATOR_NATS_PASSWORD: "x" },
  });
  expect(ended).toMatchObject({ code: 69, out: "", err: expect.stringContaining("BUS_UNREACHABLE") });
  expect(ended.err).toContain("the kill switch is NOT engaged, nothing was written");
});

/** Presses it through a proxy that falls silent when this was said. */
async function pressed(word: string, act: (proxy: SilentProxy, stop: AbortController) => Promise<void> | void) {
  await using proxy = await SilentProxy.start(loop.nats.url, word);
  const stop = new AbortController();
  const env = { USER: "ada", OPERATOR_NATS_PASSWORD: loop.nats.passwords.cli };
  const ending = loop.run(["kill-switch", "--server", proxy.url], { env, signal: stop.signal });
  await proxy.silent;
  await act(proxy, stop);
  const ended = await ending;
  return { ...ended, err: ended.err.replaceAll(/\s+/g, " ") };
}
const theWrite = `$KV.control.${controlKey} `;

test("Ctrl-C before its write is acknowledged says at once that it isn't known to be engaged", async () => {
  const startedMs = performance.now();
  const ended = await pressed(`PUB ${theWrite}`, (_, stop) => stop.abort());
  expect(ended).toMatchObject({ code: 9, out: "" });
  expect(ended.err).toMatch(/it is NOT known whether the kill switch is engaged: .*Ctrl-C.*\[NOT_ACKNOWLEDGED\]/);
  expect(performance.now() - startedMs).toBeLessThan(3_000);
  // And rightly so.
  expect(await until("it was written", control)).toMatchObject({ mode: "observe", term: 1 });
});

test("Ctrl-C before anything was written says that it isn't engaged", async () => {
  const ended = await pressed("$JS.API.STREAM.INFO.KV_control", (_, stop) => stop.abort());
  expect(ended).toMatchObject({ code: 9, out: "" });
  expect(ended.err).toContain("the kill switch is NOT engaged, nothing was written");
  expect(await control()).toBeUndefined();
});

test("a bus that doesn't acknowledge its write within 5 s is said, and that it isn't known to be engaged", async () => {
  const ended = await pressed(`PUB ${theWrite}`, () => {});
  expect(ended).toMatchObject({ code: 9, out: "" });
  expect(ended.err).toContain(
    "it is NOT known whether the kill switch is engaged: the bus didn't acknowledge it within 5 s",
  );
});
