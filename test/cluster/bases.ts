/**
 * Local stand-ins for the Dockerfile's two base images, from this machine's own Node, npm and C library:
 * no registry can be reached from the tests. Like the real ones in what matters:
 *
 *   build    Node, npm and a shell
 *   runtime  Node at /nodejs/bin/node, its libraries, certificates, and no shell
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { program } from "./binaries.ts";
import { buildah } from "./images.ts";
import { run } from "./processes.ts";

/** Other bases have another tag. */
const TAG = createHash("sha256")
  .update(process.versions.node)
  .update(readFileSync(fileURLToPath(import.meta.url)))
  .digest("hex")
  .slice(0, 12);
export const BUILD_BASE = `mooring.test/base-build:${TAG}`;
export const RUNTIME_BASE = `mooring.test/base-runtime:${TAG}`;

const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Makes both where they are not there yet. */
export async function makeBases(): Promise<void> {
  if (!(await isThere(BUILD_BASE)))
    await make(BUILD_BASE, furnishBuild, [`NODE_EXTRA_CA_CERTS=${CERTIFICATES}`]);
  if (!(await isThere(RUNTIME_BASE)))
    await make(RUNTIME_BASE, furnishRuntime, [`SSL_CERT_FILE=${CERTIFICATES}`]);
}

function isThere(name: string): Promise<boolean> {
  return buildah(["inspect", "--type", "image", name]).then(
    () => true,
    () => false,
  );
}

async function make(name: string, furnish: (root: string) => Promise<void>, env: string[]): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "mooring-base-"));
  const container = (await buildah(["from", "scratch"])).trim();
  try {
    await run(["chmod", "755", root]);
    await furnishBoth(root);
    await furnish(root);
    const variables = [`PATH=${PATH}`, ...env].flatMap((pair) => ["--env", pair]);
    await buildah(["copy", "--quiet", container, root, "/"]);
    await buildah(["config", ...variables, container]);
    await buildah(["commit", "--quiet", "--timestamp", "0", container, name]);
  } finally {
    await buildah(["rm", container]);
    await rm(root, { recursive: true, force: true });
  }
}

/** The libraries that Node and the bundler's native parts need, names, certificates. */
async function furnishBoth(root: string): Promise<void> {
  const libraries = (await run(["ldd", process.execPath])).match(/\/\S+\.so\S*/g) ?? [];
  const folder = dirname(libraries.find((path) => path.includes("/libc.so")) ?? "");
  const further = ["librt.so.1", "libresolv.so.2", "libutil.so.1"].map((name) => join(folder, name));
  for (const library of [...libraries, ...further]) await copy(await realpath(library), join(root, library));
  await copy(CERTIFICATES, join(root, CERTIFICATES));
  await mkdir(join(root, "tmp"), { mode: 0o1777 });
  await mkdir(join(root, "root"));
  const users = "root:x:0:0:root:/root:/bin/sh\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n";
  await writeFile(join(root, "etc/passwd"), users);
  await writeFile(join(root, "etc/group"), "root:x:0:\nnonroot:x:65532:\n");
  await writeFile(join(root, "etc/nsswitch.conf"), "hosts: files dns\n");
}

async function furnishRuntime(root: string): Promise<void> {
  await copy(process.execPath, join(root, "nodejs/bin/node"));
}

async function furnishBuild(root: string): Promise<void> {
  await copy(process.execPath, join(root, "usr/local/bin/node"));
  await copy(program("busybox"), join(root, "bin/busybox"));
  for (const folder of ["usr/bin", "usr/sbin", "sbin"]) await mkdir(join(root, folder), { recursive: true });
  await run(["chroot", root, "/bin/busybox", "--install", "-s"]);
  const npm = dirname(dirname(await realpath((await run(["sh", "-c", "command -v npm"])).trim())));
  await cp(npm, join(root, "usr/local/lib/npm"), { recursive: true });
  const start = '#!/bin/sh\nexec node /usr/local/lib/npm/bin/npm-cli.js "$@"\n';
  await writeFile(join(root, "usr/local/bin/npm"), start, { mode: 0o755 });
  // The machine's own way to the registry.
  await writeFile(join(root, "root/.npmrc"), await readFile(join(dirname(npm), ".npmrc")).catch(() => ""));
}

async function copy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true });
  await cp(from, to);
}
