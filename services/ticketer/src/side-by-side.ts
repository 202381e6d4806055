/** Does something with each item, so many at a time. The first failure is thrown when those under way have ended. */
export async function sideBySide<Item>(
  items: Iterable<Item>,
  atOnceMax: number,
  act: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  let failure: { error: unknown } | undefined;
  const lane = async () => {
    for (let next = queue.next(); next.done !== true && !failure; next = queue.next()) {
      try {
        await act(next.value);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: atOnceMax }, lane));
  if (failure) throw failure.error;
}
