import { z } from "zod";
import { metadata, type Resource } from "../../kubernetes/resource.ts";

/** Who changed what, and when: https://kubernetes.io/docs/reference/using-api/server-side-apply/ */
const managed = z.object({
  time: z.string().optional(),
  fieldsV1: z.record(z.string(), z.unknown()).optional(),
});

const secret = z.object({
  metadata: metadata.extend({ managedFields: z.array(managed).nullish() }),
  data: z.record(z.string(), z.string()).nullish(),
});

/** A Secret as we need it; `data` is Base64 still. */
export type KubernetesSecret = z.infer<typeof secret>;

export const SECRETS: Resource<KubernetesSecret> = {
  group: "",
  version: "v1",
  plural: "secrets",
  shape: secret,
};
