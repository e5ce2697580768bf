/**
 * Images without a registry: made by buildah, kept as archives in the cache, imported into a node's containerd.
 * Pods name them with `imagePullPolicy: IfNotPresent` or `Never`.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { cacheFolder, program } from "./binaries.ts";
import { run } from "./processes.ts";

/** busybox with all its commands: `sh`, `wget`, `nslookup`, `nc`, `httpd` … For Pods of tests. */
export const BUSYBOX_IMAGE = "mooring.test/busybox:1";
/** What holds a Pod's namespaces; the same image, which sleeps when it is given no command. */
export const SANDBOX_IMAGE = BUSYBOX_IMAGE;

/** Runs buildah on a storage of our own in the cache. */
export async function buildah(args: readonly string[], timeout = 600_000): Promise<string> {
  const storage = join(cacheFolder(), "storage");
  // Here it keeps what a build's cache mounts hold (npm's downloads).
  const temporary = join(cacheFolder(), "tmp");
  await mkdir(temporary, { recursive: true });
  const env = { BUILDAH_ISOLATION: "chroot", TMPDIR: temporary };
  const own = ["--root", storage, "--runroot", join(storage, "run")];
  return run([program("buildah"), ...own, ...args], { env, timeout });
}

/** The place of an image's archive in the cache. */
export function archivePath(name: string): string {
  return join(cacheFolder(), "images", `${name}.tar`);
}

/** The archives whose name begins so, the newest first. */
export async function archivesBeginningWith(prefix: string): Promise<string[]> {
  const names = (await readdir(join(cacheFolder(), "images"))).filter(
    (name) => name.startsWith(prefix) && name.endsWith(".tar"),
  );
  const paths = names.map((name) => archivePath(name.slice(0, -".tar".length)));
  const made = new Map(
    await Promise.all(paths.map(async (path) => [path, (await stat(path)).mtimeMs] as const)),
  );
  return paths.toSorted((a, b) => (made.get(b) ?? 0) - (made.get(a) ?? 0));
}

/** Makes an archive by `write` where it is not there yet, and moves it into its place when it is whole. */
export async function archived(name: string, write: (path: string) => Promise<void>): Promise<string> {
  const path = archivePath(name);
  if (existsSync(path)) return path;
  await mkdir(join(cacheFolder(), "images"), { recursive: true });
  const partial = `${path}.${process.pid}`;
  try {
    await write(partial);
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
  return path;
}

/** The archive of BUSYBOX_IMAGE. */
export function busyboxArchive(): Promise<string> {
  return archived("busybox-1", async (path) => {
    const container = (await buildah(["from", "scratch"])).trim();
    try {
      const root = (await buildah(["mount", container])).trim();
      await mkdir(join(root, "bin"));
      await run(["cp", program("busybox"), join(root, "bin/busybox")]);
      await run(["chroot", root, "/bin/busybox", "--install", "-s", "/bin"]);
      for (const [folder, mode] of [
        ["tmp", 0o1777],
        ["etc", 0o755],
      ] as const)
        await run(["install", "-d", "-m", mode.toString(8), join(root, folder)]);
      await buildah(["config", "--entrypoint", '["/bin/sleep","infinity"]', "--env", "PATH=/bin", container]);
      await buildah(["commit", container, `docker-archive:${path}:${BUSYBOX_IMAGE}`]);
    } finally {
      await buildah(["rm", container]);
    }
  });
}

/** Loads an archive into the containerd of a node (`enter`: the machine's). */
export async function importImage(enter: readonly string[], archive: string): Promise<void> {
  await run([...enter, program("ctr"), "-n", "k8s.io", "images", "import", archive], { timeout: 300_000 });
}
