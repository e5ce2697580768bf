/** How long one reading serves all who ask. Milliseconds. */
const KEPT_MS = 1_000;

/**
 * A reading that many looks want at the same time: done once a second at most, and shared by who comes meanwhile. A
 * failed one is told to all who wait for it, and then forgotten. `tick` is monotonic milliseconds.
 */
export function sharedReading<T>(read: () => Promise<T>, tick = () => performance.now()): () => Promise<T> {
  let reading: Promise<T> | undefined;
  let until = 0;
  return () => {
    const now = tick();
    if (reading !== undefined && now < until) return reading;
    const begun = read();
    reading = begun;
    until = now + KEPT_MS;
    begun.catch(() => {
      if (reading === begun) reading = undefined;
    });
    return begun;
  };
}
