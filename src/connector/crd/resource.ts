import { z } from "zod";
import type { Resource } from "../kubernetes/resource.ts";
import type { Right } from "../kubernetes/rights.ts";

export const API_VERSION = "mooring.dev/v1alpha1";
export const KIND = "Integration";

/** A spec that is longer is not kept, characters of its JSON. */
export const MOST_SPEC = 16_384;

const seen = z.object({
  observedGeneration: z.number().default(0),
  lastCheckTime: z.string().default(""),
  conditions: z
    .array(
      z.object({
        type: z.string(),
        status: z.string(),
        reason: z.string().default(""),
        lastTransitionTime: z.string().default(""),
      }),
    )
    .default([]),
});
/** What a resource's status says, as far as it matters for the next one. */
export type Seen = Readonly<z.infer<typeof seen>>;

/** Which resource, and which state of its spec. */
export interface Which {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
}

export interface IntegrationResource extends Which {
  /** The spec as JSON, so that it is small and cannot change; undefined where it is too long. */
  readonly spec: string | undefined;
  readonly seen: Seen | undefined;
  /** It goes as soon as its finalizers let it. */
  readonly isGoing: boolean;
}

/** Read leniently: what one resource holds must not keep the others from being read. */
const shape: z.ZodType<IntegrationResource> = z
  .object({
    metadata: z.object({
      name: z.string(),
      namespace: z.string(),
      uid: z.string().default(""),
      generation: z.number().default(0),
      deletionTimestamp: z.string().nullish(),
    }),
    spec: z.unknown(),
    status: seen.optional().catch(undefined),
  })
  .transform(({ metadata, spec, status }) => {
    const { name, namespace, uid, generation, deletionTimestamp } = metadata;
    const text = JSON.stringify(spec ?? null);
    return {
      name,
      namespace,
      uid,
      generation,
      spec: text.length > MOST_SPEC ? undefined : text,
      seen: status,
      isGoing: typeof deletionTimestamp === "string",
    };
  });

const kind = { group: "mooring.dev", version: "v1alpha1", plural: "integrations" };
export const INTEGRATIONS: Resource<IntegrationResource> = { ...kind, shape };
/** For writing: nothing is read of what comes back. */
export const INTEGRATION_STATUS: Resource<unknown> = { ...kind, shape: z.unknown() };
export const EVENTS: Resource<unknown> = { group: "", version: "v1", plural: "events", shape: z.unknown() };

/** The rights that following Integrations needs, in one namespace or, without one, in all. */
export function rightsToFollow(namespace?: string): Right[] {
  return [
    { verb: "list", resource: INTEGRATIONS, namespace },
    { verb: "watch", resource: INTEGRATIONS, namespace },
    { verb: "patch", resource: INTEGRATIONS, subresource: "status", namespace },
    { verb: "create", resource: EVENTS, namespace },
  ];
}
