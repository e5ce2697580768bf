import { rmSync } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";

export interface Folder extends AsyncDisposable {
  readonly path: string;
}

const GONE = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 } as const;

/** Those that are not disposed go with this process. Who writes in one is ended before: by `prependListener("exit")`. */
const left = new Set<string>();
process.on("exit", () => {
  for (const folder of left) rmSync(folder, GONE);
});

/** A folder of its own under the temporary one, gone when it is disposed; `mode` says who else may use it. */
export async function temporaryFolder(prefix: string, mode = 0o700): Promise<Folder> {
  const made = await mkdtemp(path.join(tmpdir(), prefix));
  left.add(made);
  await chmod(made, mode);
  const remove = async (): Promise<void> => {
    await rm(made, GONE);
    left.delete(made);
  };
  return { path: made, [Symbol.asyncDispose]: remove };
}
