import type { Logger } from "@operator/service/log";
import type { Driver } from "@operator/supervisor/driver";

/** The driver, whose every verb is logged with how it went: who was killed, and who was brought back, stands in the log. */
export function logVerbs(driver: Driver, log: Logger): Driver {
  const logged = async (about: { verb: string; target: string; network?: string }, act: () => Promise<void>) => {
    const startedMs = performance.now();
    const fields = () => ({ ...about, ms: Math.round(performance.now() - startedMs) });
    try {
      await act();
      log.info(fields(), "done");
    } catch (error) {
      log.error({ ...fields(), err: error }, "failed");
      throw error;
    }
  };
  const ofMember = (verb: "kill" | "pause" | "unpause" | "stop" | "start") => (target: string) =>
    logged({ verb, target }, () => driver[verb](target));
  const { networks } = driver;
  return {
    members: () => driver.members(),
    kill: ofMember("kill"),
    pause: ofMember("pause"),
    unpause: ofMember("unpause"),
    stop: ofMember("stop"),
    start: ofMember("start"),
    ...(networks && {
      networks: {
        disconnect: (target, network) =>
          logged({ verb: "disconnect", target, network }, () => networks.disconnect(target, network)),
        connect: (target, network) =>
          logged({ verb: "connect", target, network }, () => networks.connect(target, network)),
      },
    }),
  };
}
