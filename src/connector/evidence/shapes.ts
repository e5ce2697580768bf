import { z } from "zod";
import { metadata, type Resource } from "../kubernetes/resource.ts";

/** What a diagnosis needs of the objects behind a Service, and no more. https://kubernetes.io/docs/reference/kubernetes-api/ */

const service = z.object({
  metadata,
  spec: z.object({
    type: z.string().default("ClusterIP"),
    ports: z.array(z.object({ name: z.string().nullish(), port: z.number() })).nullish(),
    selector: z.record(z.string(), z.string()).nullish(),
    externalName: z.string().nullish(),
  }),
});
export type Service = z.infer<typeof service>;
export const SERVICES: Resource<Service> = { group: "", version: "v1", plural: "services", shape: service };

const slice = z.object({
  metadata,
  endpoints: z
    .array(
      z.object({
        conditions: z.object({ ready: z.boolean().nullish() }).nullish(),
        targetRef: z.object({ kind: z.string().nullish(), name: z.string().nullish() }).nullish(),
      }),
    )
    .nullish(),
});
export type EndpointSlice = z.infer<typeof slice>;
export const ENDPOINT_SLICES: Resource<EndpointSlice> = {
  group: "discovery.k8s.io",
  version: "v1",
  plural: "endpointslices",
  shape: slice,
};

const ended = z.object({ reason: z.string().nullish(), exitCode: z.number().nullish() });
const container = z.object({
  name: z.string(),
  ready: z.boolean().default(false),
  restartCount: z.number().default(0),
  state: z
    .object({
      waiting: z.object({ reason: z.string().nullish() }).nullish(),
      terminated: ended.nullish(),
      running: z.object({}).nullish(),
    })
    .nullish(),
  lastState: z.object({ terminated: ended.nullish() }).nullish(),
});
const pod = z.object({
  metadata,
  status: z
    .object({
      phase: z.string().default("Unknown"),
      reason: z.string().nullish(),
      conditions: z
        .array(z.object({ type: z.string(), status: z.string(), reason: z.string().nullish() }))
        .nullish(),
      containerStatuses: z.array(container).nullish(),
      initContainerStatuses: z.array(container).nullish(),
    })
    .nullish(),
});
export type Pod = z.infer<typeof pod>;
export const PODS: Resource<Pod> = { group: "", version: "v1", plural: "pods", shape: pod };
