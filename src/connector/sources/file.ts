import { createHash } from "node:crypto";
import { watch } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "../clock.ts";
import type { Configuration, Load, Problem } from "../item.ts";

export interface FileSource {
  readonly file: string;
  /** The mark of what is in use, taken before it was read. */
  readonly seen: string;
  readonly load: Load;
  readonly clock: Clock;
  /** A configuration that is good, and differs from the last one. */
  readonly onConfiguration: (configuration: Configuration) => void;
  /** A change that is not good: the last good set stands. Empty once the file is good again. */
  readonly onProblems: (problems: readonly Problem[]) => void;
}

/** An editor writes in several steps: what came last counts once nothing came for this long. */
const QUIET_MS = 200;
/** Where no notice comes (a network file system, a link that points elsewhere), the file is looked at this often. */
const LOOK_MS = 15_000;

/** Tells one state of a file from another: its content, and whether it was written anew. */
export async function markOf(file: string): Promise<string> {
  try {
    const [status, content] = await Promise.all([stat(file), readFile(file)]);
    const digest = createHash("sha256").update(content).digest("hex");
    return `${status.ino} ${status.mtimeMs} ${digest}`;
  } catch (error) {
    return `unreadable ${String(error)}`;
  }
}

/** Told of every change in a folder; renames and links that swing over are changes of the folder. */
function watchFolder(folder: string, changed: () => void, signal: AbortSignal): void {
  try {
    const watcher = watch(folder, { persistent: false, signal }, changed);
    // The folder itself went, or the machine has no watches left: the regular look remains.
    watcher.on("error", () => watcher.close());
  } catch {
    // As above.
  }
}

/**
 * Follows a configuration file until the signal aborts: writes in place, an editor's rename over it, and the
 * `..data` link of a Kubernetes volume.
 */
export async function followFile(source: FileSource, signal: AbortSignal): Promise<void> {
  const { file, clock } = source;
  let mark = source.seen;
  let notice = new AbortController();
  let at = clock.tick();
  const changed = (): void => {
    at = clock.tick();
    notice.abort();
  };
  watchFolder(dirname(file), changed, signal);
  // What changed since it was read is seen by the first look.
  notice.abort();
  while (!signal.aborted) {
    await clock.sleep(LOOK_MS, AbortSignal.any([signal, notice.signal]));
    while (!signal.aborted && clock.tick() - at < QUIET_MS) await clock.sleep(QUIET_MS, signal);
    notice = new AbortController();
    const now = await markOf(file);
    if (signal.aborted || now === mark) continue;
    mark = now;
    await take(source);
  }
}

async function take({ file, load, onConfiguration, onProblems }: FileSource): Promise<void> {
  const loaded = await load(file);
  if (!loaded.ok) {
    onProblems(loaded.problems);
    return;
  }
  onProblems([]);
  onConfiguration(loaded.configuration);
}
