const idleMs = 2_000;

/**
 * To be called after each job: once none has come for 2 s, the heap is shrunk where `--expose-gc` allows it. A diagnosis
 * leaves some 8 MB of a grown heap behind, which would stay for as long as nothing else is to be done.
 */
export function shrinkWhenIdle(): () => void {
  let timer: NodeJS.Timeout | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      void globalThis.gc?.({ type: "major", execution: "async", flavor: "last-resort" });
    }, idleMs).unref();
  };
}
