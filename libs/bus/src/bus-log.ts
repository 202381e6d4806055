/** What the bus has to say while it works; the caller's logger writes it. */
export type BusLog = (event: { level: "info" | "warn" | "error"; msg: string; [field: string]: unknown }) => void;

/** What the bus counts; metrics are made of it. */
export interface BusCounters {
  sent?: (channel: string, stored: "new" | "repeat") => void;
  received?: (channel: string, count: number) => void;
  redelivered?: (channel: string) => void;
  deadLetter?: (channel: string, code: string) => void;
  gap?: (channel: string) => void;
  connection?: (state: "lost" | "back") => void;
}
