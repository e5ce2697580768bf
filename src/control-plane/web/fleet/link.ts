import { signal } from "@preact/signals";

/** How the page stands to the control plane: live, or since when its picture is old. */
export type Link =
  | { readonly kind: "connecting" }
  | { readonly kind: "live" }
  | { readonly kind: "lost"; readonly since: number; readonly retryAt: number | null };

export const link = signal<Link>({ kind: "connecting" });

/** True once a loss has lasted: a blink is not told. */
export const notLive = signal(false);

/** Wakes the reconnecting loop. */
let wake: () => void = () => {};

/** Tries at once. */
export function tryNow(): void {
  wake();
}

/** Waits, or until `tryNow` or the signal. */
export function waitToRetry(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    wake = end;
    signal.addEventListener("abort", end, { once: true });
  });
}
