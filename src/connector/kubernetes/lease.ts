import { z } from "zod";
import type { LeaseState, LeaseStore } from "../lease.ts";
import type { KubernetesApi } from "./api.ts";
import type { Resource } from "./resource.ts";

/** https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/ Written back whole: nothing of it is dropped. */
const shape = z.looseObject({
  metadata: z.looseObject({ name: z.string(), uid: z.string(), resourceVersion: z.string() }),
  spec: z
    .looseObject({
      holderIdentity: z.string().nullish(),
      leaseDurationSeconds: z.number().nullish(),
      leaseTransitions: z.number().nullish(),
      renewTime: z.string().nullish(),
    })
    .nullish(),
});
type Lease = z.infer<typeof shape>;

const LEASES: Resource<Lease> = {
  group: "coordination.k8s.io",
  version: "v1",
  plural: "leases",
  shape,
};

/** A Lease of the cluster. It must be there: the chart makes it, and the connector has get and update on it alone. */
export function clusterLease(
  api: KubernetesApi,
  which: { readonly namespace: string; readonly name: string },
): LeaseStore {
  let last: Lease | undefined;
  return {
    read: async (signal) => {
      last = await api.get(LEASES, which, { signal });
      return stateOf(last);
    },
    write: async (next, signal) => {
      const now = next.renewTime;
      const before = last?.spec ?? {};
      const isNew = before.holderIdentity !== next.holder;
      const object: Lease = {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: {
          ...last?.metadata,
          name: which.name,
          uid: next.uid,
          resourceVersion: next.resourceVersion,
        },
        spec: {
          ...before,
          holderIdentity: next.holder,
          leaseDurationSeconds: Math.max(1, Math.round(next.durationMs / 1000)),
          leaseTransitions: next.transitions,
          renewTime: now,
          ...(isNew ? { acquireTime: now } : {}),
        },
      };
      last = await api.update(LEASES, { namespace: which.namespace }, object, { signal });
      return stateOf(last);
    },
  };
}

function stateOf({ metadata, spec }: Lease): LeaseState {
  return {
    uid: metadata.uid,
    resourceVersion: metadata.resourceVersion,
    holder: spec?.holderIdentity ?? "",
    durationMs: (spec?.leaseDurationSeconds ?? 0) * 1000,
    transitions: spec?.leaseTransitions ?? 0,
    renewTime: spec?.renewTime ?? "",
  };
}
