/** A volume for the control plane's database. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Node } from "../node.ts";
import { NODE } from "../node-servers.ts";

/** A volume made by hand: nothing here makes one for a claim. */
export async function volume(node: Node): Promise<string> {
  const path = join(node.directory, "volume");
  await mkdir(path, { mode: 0o755 });
  const term = { matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [NODE] }] };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name: "mooring" },
    spec: {
      capacity: { storage: "8Gi" },
      accessModes: ["ReadWriteOnce"],
      persistentVolumeReclaimPolicy: "Retain",
      local: { path },
      nodeAffinity: { required: { nodeSelectorTerms: [term] } },
    },
  });
}
