import { readApprovers } from "@operator/approval/approvers-file";
import { readPolicy } from "@operator/approval/policy";
import { Refusal } from "@operator/contracts/approval";
import { Ticket } from "@operator/contracts/ticket";
import { contextOf } from "@operator/service/context.fixture";
import { Silences } from "@operator/service/silences";
import type { ActionHands } from "@operator/subject/action";
import type { Acting } from "./acting.fixture.ts";
import { Book } from "./book.ts";
import { ControlDesk } from "./control.ts";
import type { Desk } from "./desk.ts";
import { actingRooms } from "./rooms.ts";
import { settledBy } from "./settled.ts";

/** What an actuator works with, without a process of its own. The test gives what starts members. */
export async function deskOf({ place, approversFile }: Acting, start: ActionHands["start"]): Promise<Desk> {
  const bus = await place.connect("actuator");
  const context = contextOf(bus, new AbortController().signal);
  const approvers = () => readApprovers(approversFile);
  const [room, policy] = [actingRooms(), readPolicy(undefined)];
  return {
    context,
    approvers,
    room,
    hands: { environment: {}, start },
    policy,
    book: await Book.open(bus, { log: context.log, isSettled: settledBy(room, policy, Date.now) }),
    control: await ControlDesk.open(bus, approvers),
    tickets: await bus.bucket("tickets", Ticket),
    refusals: await bus.bucket("refusals", Refusal),
    silences: await Silences.open(bus, context.log),
    disagreed: new Set(),
  };
}
