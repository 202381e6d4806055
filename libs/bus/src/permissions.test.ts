import { Empty, type NatsConnection } from "@nats-io/transport-node";
import type { UserName } from "@operator/contracts/channel";
import { flow } from "@operator/contracts/flow";
import { type NatsServer, startProvisionedNats } from "@operator/stack/nats-server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectAs, connectRaw, jobOf, snapshotOf, until, violationOf } from "./bus.fixture.ts";
import { permissionsOf, userNames } from "./permissions.ts";
import { readInOrder } from "./read-in-order.ts";

let server: NatsServer;
beforeAll(async () => {
  server = await startProvisionedNats();
}, 30_000);
afterAll(() => server.stop());

/** What the server says to a publication: nothing, or what it refuses. */
async function refusalOf(user: UserName, address: string, body: string = "x"): Promise<string> {
  await using raw = await connectRaw(server, user);
  return await firstError(raw, () => raw.publish(address, body));
}

async function firstError(raw: NatsConnection, act: () => void): Promise<string> {
  const errors: string[] = [];
  const listening = (async () => {
    for await (const status of raw.status()) if (status.type === "error") errors.push(status.error.message);
  })();
  act();
  await raw.flush();
  await raw.flush();
  await raw.close();
  await listening;
  return errors.join("; ");
}

test.for<[UserName, string]>([
  ["diagnoser", "operator.violation.s.node_down.a"],
  ["diagnoser", "operator.job.s.critical.node_down.a.1.1"],
  ["diagnoser", "operator.ticket.s.node_down.a.1"],
  ["diagnoser", "operator.evidence.s.snapshot.1"],
  ["diagnoser", "operator.command.s.node_down.a.1"],
  ["diagnoser", "$KV.tickets.s.node_down.a"],
  ["diagnoser", "$KV.checkpoints.ticketer.VIOLATIONS"],
  ["diagnoser", "operator.dead.ticketer.violation"],
  ["diagnoser", "$JS.ACK.JOBS.other.1.1.1.1.1"],
  ["diagnoser", "$JS.API.STREAM.PURGE.JOBS"],
  ["diagnoser", "$JS.API.STREAM.DELETE.DIAGNOSES"],
  ["diagnoser", "$JS.API.STREAM.MSG.GET.JOBS"],
  ["diagnoser", "$JS.API.STREAM.UPDATE.JOBS"],
  ["diagnoser", "$JS.API.CONSUMER.DELETE.JOBS.diagnoser-critical"],
  ["diagnoser", "$JS.API.CONSUMER.CREATE.JOBS.mine.operator.job.>"],
  ["diagnoser", "_INBOX_ticketer.anything"],
  // Of the questions it may ask for logs and with read tools, and nothing else.
  ["diagnoser", "operator.query.s.state"],
  ["actuator", "operator.query.s.observe"],
  ["ticketer", "operator.query.s.observe"],
  ["checker", "operator.query.s.observe"],
  ["actuator", "operator.query.s.logs"],
  ["ticketer", "operator.query.s.logs"],
  ["ticketer", "operator.evidence.s.tool.node_down.a.1.1.logs.1"],
  ["diagnoser", "$JS.API.DIRECT.GET.EVIDENCE.operator.evidence.s.tool.node_down.a.1.1.logs.1"],
  ["diagnoser", "$JS.API.DIRECT.GET.KV_actions.$KV.actions.s"],
  // What is done, and by whose word, is the actuator's to write; the word itself a person's.
  ...(["diagnoser", "ticketer", "chaos", "cli"] as const).flatMap((user): [UserName, string][] => [
    [user, "operator.action.s.node_down.a.1.1.1.approved"],
    [user, "operator.note.approval_accepted.x"],
    [user, "$KV.actions.s.node_down.a.1.1.1"],
    [user, "$KV.refusals.x"],
  ]),
  ...(["diagnoser", "ticketer", "chaos", "actuator"] as const).flatMap((user): [UserName, string][] => [
    [user, "operator.approval.s.node_down.a.1.1.1"],
    [user, "operator.chaos.commands"],
  ]),
  ["diagnoser", "$KV.control.control"],
  ["ticketer", "$KV.control.control"],
  ["chaos", "$KV.control.control"],
  ["actuator", "operator.diagnosis.s.node_down.a.1.1.finished"],
  ["actuator", "operator.violation.s.node_down.a"],
  ["actuator", "$KV.tickets.s.node_down.a"],
  ["actuator", "$JS.API.STREAM.PURGE.ACTIONS"],
  ["cli", "$JS.API.STREAM.PURGE.KV_control"],
  ["observer", "_INBOX_ticketer.anything"],
  ["observer", "operator.violation.s.node_down.a"],
  ["observer", "operator.verdicts.s.current"],
  ["observer", "$KV.tickets.s"],
  ["checker", "operator.snapshot.s.full"],
  ["checker", "operator.ticket.s.node_down.a.1"],
  ["checker", "$KV.leases.observer.s"],
  ["ticketer", "operator.violation.s.node_down.a"],
  ["ticketer", "operator.diagnosis.s.node_down.a.1.1.started"],
  ["ticketer", "operator.command.s.node_down.a.1"],
  ["cli", "operator.violation.s.node_down.a"],
  ["cli", "$KV.tickets.s.node_down.a"],
  ["cli", "operator.dead.cli.violation"],
  ["watch", "operator.command.s.node_down.a.1"],
  ["watch", "anything.at.all"],
  ["watch", "$JS.API.STREAM.NAMES"],
  ["provision", "$KV.tickets.s.node_down.a"],
  // A consumer with a wider filter, with another channel's, with none.
  ["ticketer", "$JS.API.CONSUMER.CREATE.VIOLATIONS.mine.operator.>"],
  ["ticketer", "$JS.API.CONSUMER.CREATE.VIOLATIONS.mine"],
  ["ticketer", "$JS.API.CONSUMER.CREATE.VIOLATIONS"],
  ["ticketer", "$JS.API.CONSUMER.DURABLE.CREATE.VIOLATIONS.mine"],
  ["ticketer", "$JS.API.CONSUMER.CREATE.SNAPSHOTS.mine.operator.snapshot.*.full"],
  ["diagnoser", "$JS.API.CONSUMER.CREATE.KV_checks.mine.$KV.checks.>"],
])("%s may not publish to %s", async ([user, address]) => {
  expect(await refusalOf(user, address)).toContain(`Permissions Violation for Publish to "${address}"`);
});

test.for<[UserName, string]>([
  ["observer", "operator.>"],
  ["diagnoser", "operator.violation.>"],
  ["checker", "_INBOX_ticketer.>"],
  ["cli", "$JS.EVENT.>"],
  ["watch", ">"],
  ["watch", "$KV.>"],
  ["provision", "operator.>"],
])("%s may not subscribe to %s", async ([user, address]) => {
  await using raw = await connectRaw(server, user);
  const error = await firstError(raw, () => raw.subscribe(address, { callback: () => {} }));
  expect(error).toContain(`Permissions Violation for Subscription to "${address}"`);
});

test("watch sees what travels", async () => {
  await using watch = await connectRaw(server, "watch");
  const seen: string[] = [];
  watch.subscribe("operator.>", { callback: (_, { subject }) => void seen.push(subject) });
  await watch.flush();
  await using observer = await connectAs(server, "observer");
  await observer.publish(flow.snapshot, snapshotOf("watched", 1));
  await until(() => seen.includes("operator.snapshot.watched.full"));
});

test("a filter in the request's body that isn't its address's is refused by the server", async () => {
  await using raw = await connectRaw(server, "ticketer");
  const answers = await Promise.all(
    [{ filter_subject: "operator.>" }, { filter_subjects: ["operator.>", "other.>"] }, {}].map(async (filter) => {
      const body = { stream_name: "VIOLATIONS", config: { name: "mine", ack_policy: "none", ...filter } };
      const answer = await raw.request(
        "$JS.API.CONSUMER.CREATE.VIOLATIONS.mine.operator.violation.*.*.*",
        JSON.stringify(body),
        { timeout: 2_000 },
      );
      return JSON.parse(answer.string()).error?.err_code;
    }),
  );
  expect(answers).toEqual([expect.any(Number), expect.any(Number), expect.any(Number)]);
});

test.for(["reply of a pull", "delivery of a push consumer"])(
  "by the %s, the server can be made to store a copy in another's stream: readers of that channel never meet it",
  async (way) => {
    const subject = way.startsWith("reply") ? "by_reply" : "by_push";
    const target = `operator.snapshot.${subject}.full`;
    await using checker = await connectAs(server, "checker");
    await checker.publish(flow.violation, violationOf(subject, "a", 1));
    await using hostile = await connectRaw(server, "ticketer");
    const create = `$JS.API.CONSUMER.CREATE.VIOLATIONS.${subject}.operator.violation.${subject}.*.*`;
    const config = {
      name: subject,
      ack_policy: "none",
      deliver_policy: "all",
      filter_subject: `operator.violation.${subject}.*.*`,
      ...(way.startsWith("reply") ? {} : { deliver_subject: target }),
    };
    const body = JSON.stringify({ stream_name: "VIOLATIONS", config });
    const made = await hostile.request(create, body, { timeout: 2_000 });
    if (way.startsWith("reply")) {
      expect(JSON.parse(made.string()).error).toBeUndefined();
      hostile.publish(`$JS.API.CONSUMER.MSG.NEXT.VIOLATIONS.${subject}`, "1", { reply: target });
      await hostile.flush();
    }
    await using observer = await connectAs(server, "observer");
    await observer.publish(flow.snapshot, snapshotOf(subject, 7));
    const seen: number[] = [];
    const signal = AbortSignal.timeout(20_000);
    for await (const batch of readInOrder(checker, flow.snapshot, { given: { subject }, from: "first", signal })) {
      seen.push(...batch.received.map(({ message }) => message.n));
      if (batch.caughtUp && seen.length > 0) break;
    }
    expect(seen).toEqual([7]);
    expect((await checker.last(flow.snapshot, target))?.message.n).toBe(7);
    if (way.startsWith("delivery")) return;
    // It lies there, but under the address that it was sent to.
    await using admin = await connectAs(server, "provision");
    const copy = { last_by_subj: `operator.violation.${subject}.node_down.a` };
    expect(await admin.link.api.streams.getMessage("SNAPSHOTS", copy)).not.toBeNull();
  },
);

test("nobody takes another's work, and the diagnoser takes its own", async () => {
  await using ticketer = await connectAs(server, "ticketer");
  await ticketer.publish(flow.job, jobOf("mine"));
  const next = "$JS.API.CONSUMER.MSG.NEXT.JOBS.diagnoser-critical";
  expect(await refusalOf("ticketer", next, "1")).toContain("Permissions Violation");
  await using diagnoser = await connectRaw(server, "diagnoser");
  const job = await diagnoser.request(next, "1", { timeout: 2_000, noMux: true });
  expect(job.subject).toBe("operator.job.s.critical.node_down.mine.1.1");
  await diagnoser.request(job.reply ?? "", Empty, { timeout: 2_000 });
});

test.for(["1.2.3.4.5", "1.2.3.4.5.6"])(
  "a worker may acknowledge its own consumer's jobs in both forms of the address, and no others (…%s)",
  async (delivery) => {
    const [old, domain, hub] = ["$JS.ACK", "$JS.ACK._.ACCOUNT", "$JS.ACK.hub.ACCOUNT"];
    for (const form of [old, domain, hub]) {
      for (const own of ["diagnoser-critical", "diagnoser-normal"]) {
        expect(await refusalOf("diagnoser", `${form}.JOBS.${own}.${delivery}`, "+WPI"), `${form} ${own}`).toBe("");
      }
      for (const another of ["JOBS.other", "OTHER.diagnoser-critical", "JOBS.other.diagnoser-critical"]) {
        const address = `${form}.${another}.${delivery}`;
        expect(await refusalOf("diagnoser", address, "+WPI"), address).toContain("Permissions Violation");
      }
      for (const user of userNames.filter((name) => name !== "diagnoser")) {
        const address = `${form}.JOBS.diagnoser-critical.${delivery}`;
        expect(await refusalOf(user, address, "+WPI"), user).toContain("Permissions Violation");
      }
    }
  },
);

test("no user but provision may reach the whole API, and nobody may answer requests by permission", () => {
  for (const user of userNames) {
    const { publish, subscribe } = permissionsOf(user);
    const all = [...publish, ...subscribe];
    expect(all).not.toContain(">");
    const dead = publish.filter((address) => address.startsWith("operator.dead."));
    if (user !== "provision") expect([[], [`operator.dead.${user}.*`]]).toContainEqual(dead);
    if (user !== "provision") {
      expect(publish.filter((address) => /^\$JS\.API\.(>|STREAM\.(?!INFO\.))/.test(address))).toEqual([]);
      expect(publish.filter((address) => address.startsWith("$JS.API.CONSUMER.DELETE"))).toEqual([]);
    }
    const asked = ["state", "logs", "observe"].map((name) => `operator.query.*.${name}`);
    const questions = user === "observer" ? asked : [];
    expect(subscribe).toEqual(user === "watch" ? ["operator.>"] : [`_INBOX_${user}.>`, ...questions]);
    const others = publish.filter((address) => address.startsWith("_INBOX_"));
    expect(others, "who answers reaches the inboxes of those who ask, and no other").toEqual(
      user === "observer" ? ["_INBOX_actuator.>", "_INBOX_diagnoser.>"] : [],
    );
  }
});
