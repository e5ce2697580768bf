import type { Clock } from "./clock.ts";
import type { Core } from "./core.ts";
import type { Log } from "./log.ts";
import { BUCKET_MS, BUCKETS_KEPT } from "./samples.ts";
import { every } from "./sweeper.ts";

const DAY_MS = 86_400_000;
const TRANSITIONS_KEPT = 10_000_000;
const AUDITS_KEPT = 1_000_000;

/** What an earlier process knew: who was connected, and which commands are not ended. */
export async function restore({ store, liveness, commands }: Core): Promise<void> {
  const rows = await store.allConnectors();
  await store.transact(async (tx) => {
    for (const row of rows) {
      const state = liveness.restore(row.id, row.state);
      if (state !== row.state) await tx.putConnector({ ...row, state });
    }
  });
  commands.restore(await store.openCommands());
}

/** Everything that is done again and again, until the signal aborts. */
export function startChores(
  core: Core,
  { clock, log, signal, timeScale }: { clock: Clock; log: Log; signal: AbortSignal; timeScale: number },
): Promise<unknown> {
  const regular = { clock, log, signal };
  return Promise.all([
    every(core.sweepMs, () => core.hub.sweep(), regular),
    every(Math.max(20, 1_000 * timeScale), () => core.commands.sweep(), regular),
    every(60_000, () => storeSamples(core, clock.now(), false), regular),
    every(60_000, () => core.hub.storeSeen(), regular),
    every(3_600_000, () => prune(core, clock.now(), signal), regular),
  ]);
}

/** What is kept in memory and would be missed. */
export async function storeAll(core: Core, now: number): Promise<void> {
  await storeSamples(core, now, true);
  await core.hub.storeSeen();
  await core.publisher.idle();
}

async function storeSamples({ store, samples }: Core, now: number, all: boolean): Promise<void> {
  const rows = samples.closed(now, { all });
  for (let done = 0; done < rows.length; done += 1_000)
    await store.transact(async (tx) => {
      for (const row of rows.slice(done, done + 1_000))
        if ((await tx.connector(row.connectorId)) !== undefined) await tx.putBucket(row);
    });
}

async function prune({ store }: Core, now: number, signal: AbortSignal): Promise<void> {
  const retention = {
    now,
    transitionsBefore: now - 90 * DAY_MS,
    transitionsMost: TRANSITIONS_KEPT,
    bucketsBefore: now - BUCKETS_KEPT * BUCKET_MS,
    commandsBefore: now - 7 * DAY_MS,
    auditMost: AUDITS_KEPT,
  };
  while (!signal.aborted && (await store.prune(retention)));
}
