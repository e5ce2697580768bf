import { z } from "zod";

/** What every object has. Members that are not named here are dropped when an answer is read. */
export const metadata = z.object({
  name: z.string(),
  namespace: z.string().default(""),
  uid: z.string().default(""),
  resourceVersion: z.string().default(""),
  generation: z.number().optional(),
  creationTimestamp: z.string().nullish(),
  deletionTimestamp: z.string().nullish(),
  labels: z.record(z.string(), z.string()).nullish(),
});
export type Metadata = z.infer<typeof metadata>;

/** Any object, by its metadata alone. */
export interface Named {
  readonly metadata: { readonly name: string; readonly resourceVersion?: string | undefined };
}

/**
 * One kind of object: where its API is, and the shape that an answer must have. A shape that leaves something out
 * (`z.object`) saves its memory; one that is written back by `update` must keep all (`z.looseObject`).
 */
export interface Resource<T> {
  /** "" for the core. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly shape: z.ZodType<T>;
  /** The API server sends nothing but their metadata: a list of Secrets then brings no value. */
  readonly partial?: boolean;
}

/** Any object by its metadata alone. */
export const metadataOnly = z.object({ metadata });

/** A resource whose answers are asked for without all but the metadata. */
export function namesOnly({
  group,
  version,
  plural,
}: Omit<Resource<unknown>, "shape">): Resource<z.infer<typeof metadataOnly>> {
  return { group, version, plural, shape: metadataOnly, partial: true };
}

/** Where objects are: without a namespace, those of the whole cluster. */
export interface Where {
  readonly namespace?: string | undefined;
}

/** Which object. */
export interface Which extends Where {
  readonly name: string;
  readonly subresource?: string | undefined;
}

/** The path of a collection, or of an object of it. */
export function pathOf(
  { group, version, plural }: Omit<Resource<unknown>, "shape">,
  at: Partial<Which>,
): string {
  const { namespace = "", name, subresource } = at;
  const parts = [
    ...(group === "" ? ["api", version] : ["apis", group, version]),
    ...(namespace === "" ? [] : ["namespaces", namespace]),
    plural,
    ...(name === undefined ? [] : [name]),
    ...(subresource === undefined ? [] : [subresource]),
  ];
  return `/${parts.map(encodeURIComponent).join("/")}`;
}

export const NAMESPACES = namesOnly({ group: "", version: "v1", plural: "namespaces" });
