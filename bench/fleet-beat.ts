/** One heartbeat of each client in this time. Milliseconds. */
export const BEAT_MS = 5_000;
