import { signal } from "@preact/signals";

/** How far this browser's clock is from the control plane's, in ms: ages are told by the latter's. */
let skew = 0;

/** The control plane's time, by its answers' Date header. Seconds are all that it has, so small gaps are left. */
export function noteServerTime(date: string | null): void {
  if (date === null) return;
  const gap = Date.parse(date) - Date.now();
  if (Number.isFinite(gap)) skew = Math.abs(gap) > 2500 ? gap : 0;
}

/** Now, in epoch ms. Ticks once a second while the page is looked at. */
export const now = signal(Date.now());

function tick(): void {
  now.value = Date.now() + skew;
}

/** Starts the one timer of the page; it rests while the page is hidden. */
export function startClock(): void {
  let timer = 0;
  const follow = (): void => {
    window.clearInterval(timer);
    tick();
    if (document.visibilityState === "visible") timer = window.setInterval(tick, 1000);
  };
  document.addEventListener("visibilitychange", follow);
  follow();
}
