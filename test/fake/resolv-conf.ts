import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A resolv.conf in a directory of its own. A nameserver may be "127.0.0.1:PORT". */
export async function resolvConf(contents: {
  nameservers: string[];
  search?: string[];
  ndots?: number;
}): Promise<AsyncDisposable & { path: string }> {
  const directory = await mkdtemp(join(tmpdir(), "mooring-resolv-"));
  const lines = contents.nameservers.map((address) => `nameserver ${address}`);
  if (contents.search !== undefined) lines.push(`search ${contents.search.join(" ")}`);
  if (contents.ndots !== undefined) lines.push(`options ndots:${contents.ndots}`);
  const path = join(directory, "resolv.conf");
  await writeFile(path, `${lines.join("\n")}\n`);
  return { path, [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) };
}
