import { type FaultHands, FaultRefused, type Resolved } from "@operator/subject/fault";
import { asAnonymous } from "./fault-pd.ts";
import { PdError } from "./pd-error.ts";
import { type PdStore, PdStores } from "./pd-stores.ts";
import { readSettings } from "./settings.ts";
import { storeTarget } from "./targets.ts";

/** PD hides tombstones here: an address may have had another store before. */
const livingPath = "/pd/api/v1/stores";

/** What PD says of the store that a member of the supervisor's is. Throws a PdError, or FaultRefused with `STORE_NOT_FOUND`. */
export async function storeOf(member: string, hands: FaultHands, signal: AbortSignal): Promise<PdStore["store"]> {
  const address = readSettings(hands.environment).TIKV_MEMBERS.get(member);
  const { stores } = await asAnonymous(hands, signal, (pd) => pd.read(livingPath, PdStores));
  const all = (stores ?? []).map(({ store }) => store);
  const found = all.find((store) =>
    address === undefined ? hostOf(store.address) === member : store.address === address,
  );
  if (found) return found;
  const known = all.map((store) => store.address).join(", ") || "none";
  const looked = address === undefined ? `with the host ${member}` : `at ${address}`;
  const message = `${member} is no store: PD lists none ${looked}, but ${known}; set TIKV_MEMBERS, e.g. ${member}=127.0.0.1:20160`;
  throw new FaultRefused("STORE_NOT_FOUND", message);
}

/** Where a store's status port is, e.g. `http://127.0.0.1:20180`. */
export function statusUrlOf({ address, status_address: status }: PdStore["store"]): string {
  if (status !== undefined) return `http://${status}`;
  throw new FaultRefused("STORE_NOT_FOUND", `PD knows no status address of the store at ${address}`);
}

/** A member as the loop calls it. A store is killed though PD can't be asked just then: its name alone isn't known. */
export async function namedIfKnown(
  member: string,
  _members: unknown,
  hands: FaultHands,
  signal: AbortSignal,
): Promise<Resolved> {
  try {
    return { target: member, observedAs: storeTarget((await storeOf(member, hands, signal)).id) };
  } catch (error) {
    if (error instanceof PdError || error instanceof FaultRefused) return { target: member };
    throw error;
  }
}

function hostOf(address: string): string {
  return address.replace(/:\d+$/, "");
}
