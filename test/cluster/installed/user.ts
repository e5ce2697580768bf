/** Whoever installs: somebody with a clone, kubectl, helm, openssl and an administrator's kubeconfig. */
import { mkdtemp, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { ROOT } from "../../chart/helm.ts";
import manifest from "../../../package.json" with { type: "json" };
import { toolPaths } from "../binaries.ts";
import type { Node } from "../node.ts";
import { run } from "../processes.ts";

/** A registry that nobody asks: the image is on the node already. */
export const REGISTRY = "mooring.test";

export interface User {
  /** Where the scripts run; it goes with the node. */
  readonly folder: string;
  /** Runs a script of bash. The folder's file `hosts` is its /etc/hosts. Resolves to its standard output. */
  readonly shell: (script: string) => Promise<string>;
}

export async function userOf(node: Node): Promise<User> {
  const folder = await mkdtemp(join(node.directory, "user-"));
  const { kubectl, helm } = toolPaths();
  await writeFile(join(folder, "hosts"), "127.0.0.1 localhost\n");
  const env = {
    KUBECONFIG: await node.kubeconfig(),
    HOME: folder,
    PATH: [dirname(kubectl), dirname(helm), dirname(process.execPath), process.env["PATH"]].join(":"),
    REGISTRY,
    VERSION: manifest.version,
    CHARTS: join(ROOT, "helm"),
  };
  // In mounts of its own: nobody else sees this /etc/hosts.
  const before = [
    "set -euo pipefail",
    "mount --bind hosts /etc/hosts",
    `npx() { shift; node ${join(ROOT, "bin", "mooring.js")} "$@"; }`,
  ];
  const shell: User["shell"] = (script) =>
    run(["unshare", "--mount", "--propagation", "private", "bash", "-c", [...before, script].join("\n")], {
      env,
      cwd: folder,
    });
  return { folder, shell };
}
