import { listByName, logFiles, settingsReader } from "@operator/subject/settings";
import { z } from "zod";

const httpUrl = z
  .url({ protocol: /^https?$/, error: "an address like http://127.0.0.1:2379" })
  .max(256)
  .transform((url) => url.replace(/\/+$/, ""));

/** `host:port`, as PD names a store; or a PD member's name. */
const logTarget = /^[A-Za-z0-9_.:[\]-]{1,128}$/;

/** Where a member of PD is reached, and its name where a person gave it. */
export interface PdEndpoint {
  url: string;
  name?: string;
}

/** The room's environment, by the variables' names. */
export const settings = {
  TIKV_PD_ENDPOINTS: z.string().transform((text, context): PdEndpoint[] => {
    const endpoints = new Map<string, PdEndpoint>();
    const parts = text.split(",").filter((part) => part.trim() !== "");
    for (const part of parts) {
      const [, name, address = ""] = /^(?:([A-Za-z0-9][A-Za-z0-9_.-]{0,63})=)?(\S+)$/.exec(part.trim()) ?? [];
      const url = httpUrl.safeParse(address.includes("://") ? address : `http://${address}`);
      if (url.success) endpoints.set(url.data, { url: url.data, ...(name !== undefined && { name }) });
      else
        context.addIssue(`"${part}" is no address of a PD: write http://127.0.0.1:2379, or pd-1=http://127.0.0.1:2379`);
    }
    if (parts.length === 0) context.addIssue("no PD is named: write e.g. http://127.0.0.1:2379,http://127.0.0.1:2382");
    return [...endpoints.values()];
  }),
  TIKV_PROMETHEUS_URL: httpUrl.optional(),
  TIKV_LOGS: logFiles(
    (target) => logTarget.test(target),
    "is no log: write address=/path/of/tikv.log, or name=/path/of/pd.log",
  ),
  TIKV_MEMBERS: listByName((part) => {
    const [, member, address] = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,63})=(\S+:\d{1,5})$/.exec(part) ?? [];
    return member !== undefined && address !== undefined
      ? [member, address]
      : { problem: "is no member: write name=address, e.g. tikv-1=127.0.0.1:20160" };
  }),
  TIKV_WORKLOAD_URL: httpUrl.optional(),
};
/** Throws with every bad variable. */
export const readSettings = settingsReader("TiKV", settings);
export type Settings = ReturnType<typeof readSettings>;

export const settingsHelp = [
  {
    name: "TIKV_PD_ENDPOINTS",
    about:
      "client addresses of PD members, e.g. http://127.0.0.1:2379,http://127.0.0.1:2382; PD lists the others itself, and what each is called; where the addresses that it lists can't be reached from here, say them by name: pd-1=http://127.0.0.1:2379",
  },
  {
    name: "TIKV_PROMETHEUS_URL",
    about:
      "the Prometheus that scrapes PD and TiKV, e.g. http://127.0.0.1:9090; without it what rests on metrics isn't known",
  },
  {
    name: "TIKV_LOGS",
    about:
      "log files, as the observer can read them, by a store's address or a PD member's name, e.g. 127.0.0.1:20160=/var/log/tikv-1.log,pd-1=/var/log/pd-1.log",
    default: "",
  },
  {
    name: "TIKV_MEMBERS",
    about:
      "which of the supervisor's members is which store, for chaos, e.g. tikv-1=127.0.0.1:20160; unless set, the host of a store's address is its member",
    default: "",
  },
  {
    name: "TIKV_WORKLOAD_URL",
    about: "the control address of the simulator's workload, for chaos; a real cluster has none",
  },
];
