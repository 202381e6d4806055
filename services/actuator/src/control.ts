import { type ExecuteMode, executeMode } from "@operator/approval/execute-mode";
import type { Approver } from "@operator/approval/keys";
import type { Bucket, Write } from "@operator/bus/bucket";
import type { Bus } from "@operator/bus/bus";
import { Control, controlAtFirst, controlKey, type InFlight } from "@operator/contracts/control";
import type { SubjectName } from "@operator/contracts/names";

/** Another write of `control` may come first so many times; each was somebody else's progress. */
const triesMax = 50;

/** Why nothing may be executed now. */
export interface Hindrance {
  code: Exclude<ExecuteMode, { ok: true }>["code"] | "IN_FLIGHT" | "TERM_ENDED";
  message: string;
}

/** The bucket `control`: claims are compare-and-sets on its one key, so after the kill switch's write none succeeds. */
export class ControlDesk {
  readonly #bucket: Bucket<Control>;
  readonly #approvers: () => readonly Approver[];
  /** The highest term that this process knows of. */
  #term = 0;

  private constructor(bucket: Bucket<Control>, approvers: () => readonly Approver[]) {
    this.#bucket = bucket;
    this.#approvers = approvers;
  }

  static async open(bus: Bus, approvers: () => readonly Approver[]): Promise<ControlDesk> {
    const desk = new ControlDesk(await bus.bucket("control", Control), approvers);
    for (const write of await desk.writes(0)) if ("value" in write) desk.#asItCounts(write.value);
    return desk;
  }

  async read(): Promise<Control> {
    return this.#asItCounts((await this.#bucket.get(controlKey))?.value ?? controlAtFirst);
  }

  /** Terms only grow: who writes again what was signed before the kill switch doesn't undo it. */
  #asItCounts(control: Control): Control {
    if (control.term < this.#term) return { ...control, mode: "observe" };
    this.#term = control.term;
    return control;
  }

  /** The revision of its newest write. */
  lastRevision(): Promise<number> {
    return this.#bucket.lastRevision();
  }

  /** Its writes after a revision, as far back as the bucket's history goes. */
  writes(after: number): Promise<Write<Control>[]> {
    return this.#bucket.writes(after);
  }

  /**
   * Claims an action for a subject. The hindrance that there is now, or undefined when it's claimed. A claim of the same
   * action that `mayTakeOver` gives up on is replaced.
   */
  async claim(
    subject: SubjectName,
    term: number,
    inFlight: InFlight,
    mayTakeOver: (other: InFlight) => boolean,
  ): Promise<Hindrance | undefined> {
    for (let tries = 1; tries <= triesMax; tries++) {
      const entry = await this.#bucket.get(controlKey);
      const control = this.#asItCounts(entry?.value ?? controlAtFirst);
      const hindrance = this.#hindrance(control, term);
      if (hindrance) return hindrance;
      const other = control.inFlight[subject];
      if (other && !(other.action === inFlight.action && mayTakeOver(other))) {
        return { code: "IN_FLIGHT", message: `${other.action} of ${subject} is in flight, claimed by ${other.by}` };
      }
      const next = { ...control, inFlight: { ...control.inFlight, [subject]: inFlight } };
      const written = entry
        ? await this.#bucket.update(controlKey, next, entry.revision)
        : await this.#bucket.create(controlKey, next);
      if (written !== "conflict") return undefined;
    }
    throw new Error(`claim of ${inFlight.action}: another write of control came first ${triesMax} times`);
  }

  /** Takes out this very claim, when it's still there: its action is settled. */
  async release(subject: SubjectName, { action, by, claimedAtMs }: InFlight): Promise<void> {
    await this.#bucket.change(controlKey, (now) => {
      const present = now?.inFlight[subject];
      if (!now || present?.action !== action || present.by !== by || present.claimedAtMs !== claimedAtMs)
        return undefined;
      const { [subject]: _, ...inFlight } = now.inFlight;
      return { ...now, inFlight };
    });
  }

  #hindrance(control: Control, term: number): Hindrance | undefined {
    const mode = executeMode(control, this.#approvers(), Date.now());
    if (!mode.ok) return { code: mode.code, message: mode.message };
    if (control.term === term) return undefined;
    const message = `approved in term ${term}, this is term ${control.term}: it has to be approved anew`;
    return { code: "TERM_ENDED", message };
  }
}
