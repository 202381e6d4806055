import { expect, test } from "vitest";
import { Deliveries } from "./deliveries.ts";
import { noticesOf } from "./notice.ts";
import { until } from "./notifier.fixture.ts";
import type { Posted } from "./post.ts";
import { ticketOf } from "./ticket.fixture.ts";

/** Deliveries to a receiver that answers what each test says, when it says so. */
function startDeliveries(postsMax = 8) {
  const asked: { id: string; answer: (posted: Posted) => void }[] = [];
  const deliveries = new Deliveries({
    tries: 2,
    retryMs: 1,
    postsMax,
    signal: new AbortController().signal,
    post: ({ id }) => new Promise<Posted>((answer) => asked.push({ id, answer })),
  });
  const isAsked = (target: string) => asked.findIndex(({ id }) => id.includes(`.${target}.`));
  const answer = async (target: string, posted: Posted) => {
    await until(`${target} is asked`, () => isAsked(target) >= 0);
    asked.splice(isAsked(target), 1)[0]?.answer(posted);
  };
  const add = (sequence: number, target: string, buried: string[] = []) => {
    const [notice] = noticesOf(ticketOf(target, 1, ["first-seen"]));
    if (notice) deliveries.add(sequence, notice, async (reason) => void buried.push(reason));
  };
  return { deliveries, asked, answer, add };
}

test("what isn't settled holds the checkpoint, whatever was settled after it", async () => {
  const { deliveries, answer, add } = startDeliveries();
  add(3, "a");
  add(5, "b");
  await answer("b", "delivered");
  await until("b is settled", () => deliveries.waiting === 1);
  expect(deliveries.settledUpTo(9)).toBe(2);
  await answer("a", "delivered");
  await until("all is settled", () => deliveries.settledUpTo(9) === 9);
});

test("no more than so many are posted at a time", async () => {
  const { asked, answer, add } = startDeliveries(2);
  for (const [at, target] of ["a", "b", "c"].entries()) add(at + 1, target);
  await until("two are asked", () => asked.length === 2);
  await answer("a", "delivered");
  await until("the next is asked", () => asked.length === 2);
  expect(asked.map(({ id }) => id)).toEqual(["s.node_down.b.1:ticket.opened", "s.node_down.c.1:ticket.opened"]);
});

test("who reads on waits while 512 are on their way", async () => {
  const { deliveries, asked, answer, add } = startDeliveries();
  for (let n = 1; n <= 512; n += 1) add(n, `node-${n}`);
  let hasRoom = false;
  const room = deliveries.room().then(() => (hasRoom = true));
  await until("the first are asked", () => asked.length === 8);
  expect(hasRoom).toBe(false);
  await answer("node-1", "delivered");
  await room;
  expect(deliveries.waiting).toBe(511);
});

test("what was told is told once; what became a dead letter is told anew when it's said again", async () => {
  const { deliveries, asked, answer, add } = startDeliveries();
  const buried: string[] = [];
  add(1, "a");
  add(2, "a");
  await answer("a", "delivered");
  add(3, "a");

  add(4, "b", buried);
  await answer("b", { why: "gone", final: true });
  await until("it's settled", () => deliveries.waiting === 0);
  expect(buried).toEqual(["s.node_down.b.1:ticket.opened: try 1 of 2: gone"]);
  add(5, "b", buried);
  await answer("b", "delivered");
  await until("all is settled", () => deliveries.waiting === 0);
  expect(asked).toEqual([]);
});
