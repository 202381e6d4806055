import { expect, test } from "vitest";
import { unlike, unlikeText } from "./likeness.fixture.ts";

const store = (id: object, status: object, about: object = {}) => ({
  stores: [{ store: { ...id, state_name: "Up", node_state: 1, ...about }, status: { leader_count: 3, ...status } }],
});
const real = store({ id: 1 }, {});

test.each([
  ["no elements", { regions: [{ id: 1 }] }, { regions: [] }],
  ["elements where a real one has none", { regions: [] }, { regions: [{ id: 1 }] }],
  ["nothing by ids", { "store-id-ranges": { "1": [] } }, { "store-id-ranges": {} }],
  ["something by one id only", { "1": { hot: [] }, "2": { hot: [1] } }, { "1": { hot: [] }, "2": { hot: [] } }],
  ["something by all ids", { "1": { hot: [] }, "2": { hot: [1] } }, { "1": { hot: [1] }, "2": { hot: [1] } }],
  ["an element that differs from all", [{ id: 1 }, { id: 2 }], [{ id: 1 }, { name: "x" }]],
  ["another scheduler", ["balance-leader-scheduler"], ["nonsense"]],
  ["a scheduler less", ["balance-leader-scheduler", "evict-leader-scheduler"], ["balance-leader-scheduler"]],
  ["an operator in other words", ["transfer leader: store 1 to 2"], ["move leader: store 1 to 2"]],
  ["another state", real, store({ id: 1 }, {}, { state_name: "Offline" })],
  ["another state's number", real, store({ id: 1 }, {}, { node_state: 2 })],
  ["another role", { peers: [{ role_name: "Voter" }] }, { peers: [{ role_name: "Learner" }] }],
  ["another kind", [{ kind: 257 }], [{ kind: 1 }]],
  ["another status", [{ status: 1 }], [{ status: 2 }]],
  ["a store without its id", real, store({}, {})],
  ["a peer without its store", { role_name: "Voter", store_id: 1 }, { role_name: "Voter" }],
  ["no busy store where a real one has some", store({ id: 1 }, { is_busy: true }), real],
  ["another field", real, store({ id: 1 }, { leaders: 3 })],
  ["another type", { count: 3 }, { count: "3" }],
  ["another format", { capacity: "10GiB" }, { capacity: "10" }],
])("unlike: %s", (_, of, ours) => {
  expect(unlike(of, ours)).not.toEqual([]);
});

test.each([
  ["other numbers", real, store({ id: 4 }, { leader_count: 30 })],
  ["more elements of the same kind", [{ id: 1 }], [{ id: 1 }, { id: 2 }]],
  ["schedulers in another order", ["a-scheduler", "b-scheduler"], ["b-scheduler", "a-scheduler"]],
  ["the same operator of another region", ["region:81(1, 2)"], ["region:5(3, 4)"]],
  ["a leader that nobody knows", { leader: { role_name: "" } }, { leader: { role_name: "" } }],
  ["something by another id", { "1": { hot: [] }, "2": { hot: [1] } }, { "4": { hot: [1] }, "5": { hot: [] } }],
  ["what is left out when it's zero, given", real, store({ id: 1 }, { slow_score: 1 })],
  ["fields of later versions", { cpu_usage: 0, approximate_kv_size: 0 }, { cpu_usage: 0 }],
])("alike: %s", (_, of, ours) => {
  expect(unlike(of, ours)).toEqual([]);
});

test("a bare text is compared by its words", () => {
  expect(unlikeText('"store 1 has been removed"', '"store 7 has been removed"\n')).toEqual([]);
  expect(unlikeText('"store 1 has been removed"', '"store 1 is gone"')).not.toEqual([]);
  expect(unlikeText("404 page not found", "404 page not found\n")).toEqual([]);
  expect(unlikeText("[]", '["evict-leader-scheduler"]')).not.toEqual([]);
});
