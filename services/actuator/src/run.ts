import { readPolicy } from "@operator/approval/policy";
import type { Action } from "@operator/contracts/action";
import type { ActionId } from "@operator/contracts/action-id";
import { Refusal } from "@operator/contracts/approval";
import { flow } from "@operator/contracts/flow";
import { Ticket } from "@operator/contracts/ticket";
import { Checkpoint } from "@operator/service/checkpoint";
import { fold } from "@operator/service/fold";
import type { ServiceContext } from "@operator/service/service-context";
import { Silences } from "@operator/service/silences";
import { ticker } from "@operator/service/ticker";
import { approversOf } from "./approvers.ts";
import { takeApproval } from "./approve.ts";
import { Book } from "./book.ts";
import { carryOut } from "./carry-out.ts";
import { ControlDesk } from "./control.ts";
import { decideByPolicy } from "./decide.ts";
import type { Desk } from "./desk.ts";
import { followClaimed, followExecuted, followProposed, followUnknown } from "./follow-up.ts";
import { handsOf } from "./hands.ts";
import { modeNoter } from "./note-mode.ts";
import { proposalsOf } from "./propose.ts";
import { actingRooms } from "./rooms.ts";
import { settleInFlight } from "./in-flight.ts";
import { settledBy } from "./settled.ts";
import { takeBack } from "./take-back.ts";

const beatMs = 250;
const refreshEveryMs = 1_000;

/** What it does with an action in this state, at each beat. States that aren't named wait for a person or are over. */
const work: Partial<Record<Action["state"], (desk: Desk, action: Action) => Promise<void>>> = {
  proposed: async (desk, action) => {
    await followProposed(desk, action);
    await decideByPolicy(desk, action);
  },
  approved: async (desk, action) => {
    if (Date.now() >= action.expiresAtMs) await followProposed(desk, action);
    else await carryOut(desk, action);
  },
  claimed: followClaimed,
  unknown: followUnknown,
  executed: followExecuted,
  unverified: takeBack,
};

/** Takes proposals and approvals, and carries out what was approved. */
export async function run(
  context: ServiceContext,
  config: {
    approversFile?: string | undefined;
    policyFile?: string | undefined;
    supervisorSocket?: string | undefined;
    /** In which actions find their subject. */
    environment: Record<string, string | undefined>;
  },
): Promise<void> {
  const { bus, log, signal } = context;
  const approvers = approversOf(config.approversFile, log);
  await using hands = handsOf(config.environment, config.supervisorSocket);
  const room = actingRooms();
  const policy = readPolicy(config.policyFile);
  const desk: Desk = {
    context,
    book: await Book.open(bus, { log, isSettled: settledBy(room, policy, Date.now) }),
    control: await ControlDesk.open(bus, approvers),
    tickets: await bus.bucket("tickets", Ticket),
    refusals: await bus.bucket("refusals", Refusal),
    silences: await Silences.open(bus, log),
    room,
    hands,
    policy,
    approvers,
    disagreed: new Set(),
  };
  const running = new Map<ActionId, Promise<void>>();
  /** One thing at a time about an action, which may take a while; a failure is tried again by the next beat. */
  const advance = (action: Action) => {
    const act = work[action.state];
    if (!act || running.has(action.id) || signal.aborted) return;
    const done = act(desk, action)
      .catch((error: unknown) => {
        if (!signal.aborted) log.error({ ticket: action.ticket, action: action.id, err: error }, "trying again");
      })
      .finally(() => running.delete(action.id));
    running.set(action.id, done);
  };
  const beat = () => {
    for (const action of desk.book.all()) advance(action);
    return Promise.resolve();
  };

  const refresh = async () => {
    await desk.book.refresh();
    for (const id of desk.disagreed) if (!desk.book.has(id)) desk.disagreed.delete(id);
  };

  const diagnoses = await Checkpoint.open(bus, flow.diagnosis.stream);
  const approvals = await Checkpoint.open(bus, flow.approval.stream);
  context.ready(true);
  await Promise.all([
    fold(context, flow.diagnosis, {
      from: diagnoses.from,
      eventTime: ({ atMs }) => atMs,
      handle: async (batch) => {
        if (batch.gap?.why === "recreated") await diagnoses.begunAnew();
        for (const { message, storedAtMs } of batch.received) {
          if (message.phase !== "finished") continue;
          const { instance } = context;
          const { actions, notes } = await proposalsOf(message, { ...desk, bus, instance, storedAtMs });
          for (const note of notes) await bus.publish(flow.note, note);
          for (const action of actions) await desk.book.propose(action);
        }
        diagnoses.reached(batch.lastSequence);
      },
    }),
    fold(context, flow.approval, {
      from: approvals.from,
      eventTime: () => Date.now(),
      handle: async (batch) => {
        if (batch.gap?.why === "recreated") await approvals.begunAnew();
        for (const received of batch.received) await takeApproval(desk, received);
        approvals.reached(batch.lastSequence);
      },
    }),
    ticker(context, { name: "act", everyMs: beatMs, tick: beat }),
    ticker(context, { name: "refresh", everyMs: refreshEveryMs, tick: refresh }),
    ticker(context, { name: "tell", everyMs: 5_000, tick: () => desk.book.tellUnsent() }),
    ticker(context, { name: "mode", everyMs: refreshEveryMs, tick: modeNoter(desk) }),
    ticker(context, { name: "settle", everyMs: refreshEveryMs, tick: () => settleInFlight(desk) }),
    ticker(context, {
      name: "checkpoints",
      everyMs: 1_000,
      tick: async () => {
        await diagnoses.save();
        await approvals.save();
      },
    }),
  ]);
  // What has begun is finished and written down, as far as stopping leaves time for it.
  await Promise.all(running.values());
}
