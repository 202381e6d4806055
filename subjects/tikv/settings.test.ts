import { expect, test } from "vitest";
import { readSettings } from "./settings.ts";

const pd = { TIKV_PD_ENDPOINTS: "127.0.0.1:2379" };

test("members of PD by address, with a name or without, each once", () => {
  const given = "pd-1=http://127.0.0.1:2379/, 127.0.0.1:2382,https://pd.example:2379,http://127.0.0.1:2382";
  expect(readSettings({ TIKV_PD_ENDPOINTS: given }).TIKV_PD_ENDPOINTS).toEqual([
    { name: "pd-1", url: "http://127.0.0.1:2379" },
    { url: "http://127.0.0.1:2382" },
    { url: "https://pd.example:2379" },
  ]);
});

test("what isn't set is empty, or not there", () => {
  expect(readSettings({ ...pd, TIKV_LOGS: "", OTHER: "x" })).toEqual({
    TIKV_PD_ENDPOINTS: [{ url: "http://127.0.0.1:2379" }],
    TIKV_LOGS: new Map(),
    TIKV_MEMBERS: new Map(),
  });
});

test("logs by a store's address or a member's name, members by their stores' addresses", () => {
  const settings = readSettings({
    ...pd,
    TIKV_LOGS: "127.0.0.1:20160=/var/log/tikv.log,[::1]:20160=/var/log/a=b.log,pd-1=/var/log/pd.log",
    TIKV_MEMBERS: "tikv-1=127.0.0.1:20160,tikv-2=tikv-2:20160",
  });
  expect([...settings.TIKV_LOGS]).toEqual([
    ["127.0.0.1:20160", "/var/log/tikv.log"],
    ["[::1]:20160", "/var/log/a=b.log"],
    ["pd-1", "/var/log/pd.log"],
  ]);
  expect([...settings.TIKV_MEMBERS]).toEqual([
    ["tikv-1", "127.0.0.1:20160"],
    ["tikv-2", "tikv-2:20160"],
  ]);
});

test.each([
  { name: "no PD", set: { TIKV_PD_ENDPOINTS: "" }, says: "TIKV_PD_ENDPOINTS" },
  { name: "no PD but commas", set: { TIKV_PD_ENDPOINTS: " , " }, says: "no PD is named" },
  {
    name: "another protocol",
    set: { TIKV_PD_ENDPOINTS: "pd-1=ftp://127.0.0.1" },
    says: '"pd-1=ftp://127.0.0.1" is no address',
  },
  { name: "an address with spaces", set: { TIKV_PD_ENDPOINTS: "pd one:2379" }, says: '"pd one:2379" is no address' },
  { name: "a file without its place", set: { ...pd, TIKV_LOGS: "pd-1=pd.log" }, says: '"pd-1=pd.log" is no log' },
  { name: "a member without a port", set: { ...pd, TIKV_MEMBERS: "tikv-1=host" }, says: '"tikv-1=host" is no member' },
])("$name is refused, with the value", ({ set, says }) => {
  expect(() => readSettings(set)).toThrow(says);
});
