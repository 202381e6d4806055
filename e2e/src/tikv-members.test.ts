import { afterAll, beforeAll, expect, test } from "vitest";
import { TikvStage } from "./tikv.ts";

// Invariants of a TiKV cluster's members fire, hold while nobody looks, and clear: processes that really die, on the real wire.

let stage: TikvStage;
beforeAll(async () => void (stage = await TikvStage.start({ graceScale: 0.1, timeScale: 4 })), 180_000);
afterAll(async () => await stage?.[Symbol.asyncDispose](), 60_000);

test("store_down: a killed store stays broken while the observer is dead, and its symptoms open no ticket", async () => {
  const before = new Set(stage.witness.ticketIds());
  await stage.through({
    invariant: "store_down",
    target: stage.store("tikv-2"),
    ...stage.killing("tikv-2"),
  });
  const opened = stage.witness.ticketIds().filter((id) => !before.has(id));
  expect(opened.toSorted()).toEqual(["tikv.observer_silent.observer.1", `tikv.store_down.${stage.store("tikv-2")}.1`]);
});

test("pd_member_down: a killed member of PD", async () => {
  await stage.through({
    invariant: "pd_member_down",
    target: "pd-3",
    ...stage.killing("pd-3"),
  });
});

test("quorum_lost: two of three stores are dead, which explains it", async () => {
  await stage.through({
    invariant: "quorum_lost",
    target: "cluster",
    symptomOf: "store_down",
    ...stage.killing("tikv-1", "tikv-3"),
  });
});

test("pd_no_leader: two of three members of PD are dead, which explains it", async () => {
  await stage.through({
    invariant: "pd_no_leader",
    target: "cluster",
    symptomOf: "pd_member_down",
    ...stage.killing("pd-1", "pd-2"),
  });
});

test("PD is unreachable for a minute while a ticket is open: nothing of it clears", async () => {
  const { witness, stack } = stage;
  const cut = await stage.fault("cut_store_from_pd", "tikv-1");
  const target = stage.store("tikv-1");
  await cut.begin();
  await witness.opens("store_disconnected", target);
  const members = ["pd-1", "pd-2", "pd-3"].map((name) => stack.member(name));
  for (const member of members) member.signal("SIGSTOP");
  await witness.reaches("store_disconnected", target, "blind");
  const isHeld = () =>
    witness.ticket("store_disconnected", target)?.status === "open" &&
    witness.violation("store_disconnected", target)?.state !== "cleared";
  await witness.throughout("the ticket stays open", isHeld, 60_000);
  for (const member of members) member.signal("SIGCONT");
  await cut.end();
  expect((await witness.closes("store_disconnected", target)).closedBy).toBe("observation");
  await witness.allWell(120_000);
}, 300_000);
