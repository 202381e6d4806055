import { NotDone } from "@operator/subject/action";
import { expect, test } from "vitest";
import { api, carryOut, ledBy } from "./action-exchange.fixture.ts";
import { type Script, v8, v9 } from "./pd-exchange.fixture.ts";

// Where PD refuses a change: in the words of a real one, as far as they were recorded. Transfers, drains and the limit of
// leaders are beside what they do otherwise.

const operators = `POST ${api}/operators`;
const idle = { [`GET ${api}/operators/5`]: [v9("op-get-none")] };
const config = `POST ${api}/config`;
const schedule = { [`GET ${api}/config/schedule`]: [v8("config_schedule")] };
const evicting = {
  [`GET ${api}/schedulers`]: [v8("get-schedulers-after")],
  [`GET ${api}/scheduler-config/evict-leader-scheduler/list`]: [v9("sch-evict-conf")],
};
/** Not recorded: so it is in the source of v8.5.5 (server/config), and is answered like any bad value. */
const tooLow = { ...v9("config-bad"), body: '"low-space-ratio should be larger than high-space-ratio"' };
const resign = `POST ${api}/leader/resign`;

type Asked = readonly [name: string, target: string, parameters: object];
const split: Asked = ["split_region", "region-5", {}];
const undrain: Asked = ["undrain_store", "store-1", {}];
const remove: Asked = ["remove_scheduler", "cluster", { name: "evict-leader-scheduler" }];
const regions: Asked = ["set_region_schedule_limit", "cluster", { limit: 16 }];
const replicas: Asked = ["set_replica_schedule_limit", "cluster", { limit: 8 }];
const threshold: Asked = ["set_low_space_threshold", "cluster", { percent: 85 }];

test.each<[string, Asked, string, Script[string][number], Script, RegExp]>([
  // Recorded of a transfer: PD looks for the region first, whatever the operator is.
  ["a region that it doesn't know isn't split", split, operators, v8("write-op-unknown-region"), idle, /ErrRegionNotFound/],
  ["a region that has an operator already isn't split", split, operators, v9("op-transfer-leader-again"), idle, /ErrAddOperator.*already have one/],
  ["a region isn't split by a policy that it doesn't know", split, operators, v9("op-split-badpolicy"), idle, /check policy foo is not supported/],
  // Recorded of the eviction of all stores, when there was none.
  ["a store isn't undrained whose scheduler it can't find", undrain, `DELETE ${api}/schedulers/evict-leader-scheduler-1`, v9("sch-del-none"), evicting, /404.*ErrSchedulerNotFound/],
  ["a scheduler that it can't find isn't removed", remove, `DELETE ${api}/schedulers/evict-leader-scheduler`, v9("sch-del-none"), evicting, /404.*ErrSchedulerNotFound/],
  // Recorded of a key `foo`, and of a limit of leaders.
  ["a limit of regions that it doesn't know isn't set", regions, config, v8("write-config-unknown"), schedule, /400.*config item foo not found/],
  ["a limit of replicas that it can't read isn't set", replicas, config, v9("config-bad2"), schedule, /400.*cannot unmarshal/],
  ["a threshold below where a store counts as empty isn't set", threshold, config, tooLow, schedule, /400.*should be larger than high-space-ratio/],
  // Recorded of a transfer to a member that there isn't: who resigns finds a successor in the same way.
  ["a leader without a successor doesn't resign", ["resign_pd_leader", "pd-2", {}], resign, v9("leader-transfer-bad"), { [`GET ${api}/leader`]: [ledBy("pd-2")] }, /500.*no valid pd to transfer/],
])("where PD refuses, %s, which is certain", async (_, asked, write, answer, script, words) => {
  const { error, effect, writes } = await carryOut({ ...script, [write]: [answer] }, ...asked);
  expect(effect).toBeUndefined();
  expect(error).toBeInstanceOf(NotDone);
  expect(error).toMatchObject({ code: "PD_REFUSED", message: expect.stringMatching(words) });
  expect(writes.map((each) => each.split(" {")[0])).toEqual([write]);
}); // prettier-ignore
