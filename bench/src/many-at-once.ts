/** Does something for each number below `count`, so many at a time. */
export async function manyAtOnce(
  count: number,
  concurrency: number,
  act: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const slot = async () => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, slot));
}
