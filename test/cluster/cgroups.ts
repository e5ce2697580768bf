/** Control groups (version 1 or 2) for the Pods of a node: one of a name below the root of every hierarchy. */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { eventually } from "../process/programs.ts";

const CGROUPS = "/sys/fs/cgroup";

export async function makeCgroups(name: string): Promise<void> {
  await handDownControllers();
  for (const hierarchy of await hierarchies()) await mkdir(join(hierarchy, name), { recursive: true });
}

/** Removes them with all that is below, once the processes in them, which were killed, have ended. */
export async function removeCgroups(name: string): Promise<void> {
  for (const hierarchy of await hierarchies()) await removeTree(join(hierarchy, name));
}

/** The roots of the control groups: one (version 2), or one for each controller (version 1). */
async function hierarchies(): Promise<string[]> {
  if (existsSync(join(CGROUPS, "cgroup.controllers"))) return [CGROUPS];
  return (await readdir(CGROUPS)).map((name) => join(CGROUPS, name));
}

/** In version 2 a group has only the controllers that the one above hands down; the kubelet wants all of them. */
async function handDownControllers(): Promise<void> {
  const names = await readFile(join(CGROUPS, "cgroup.controllers"), "utf8").catch(() => "");
  for (const name of names.trim().split(/\s+/).filter(Boolean))
    await writeFile(join(CGROUPS, "cgroup.subtree_control"), `+${name}`);
}

/** A control group goes by rmdir alone, the inner ones first; its files cannot be removed. */
async function removeTree(path: string): Promise<void> {
  if (!existsSync(path)) return;
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isDirectory()) await removeTree(join(path, entry.name));
  await eventually(`${path} is left by its processes`, () => rmdir(path).then(() => true, unlessBusy));
}

function unlessBusy(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "EBUSY") throw error;
}
