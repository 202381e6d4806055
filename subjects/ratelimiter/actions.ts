import type { Action } from "@operator/subject/action";
import { drainNode } from "./action-drain-node.ts";
import { resetCounter } from "./action-reset-counter.ts";
import { restartNode } from "./action-restart-node.ts";
import { updateLimit } from "./action-update-limit.ts";
import type { State } from "./state.ts";

/** What can be done to the rate limiter. A paused process and a Redis that is down want a person: nothing here mends them. */
export const actions: Action<State>[] = [restartNode, resetCounter, updateLimit, drainNode];
