import { createHash } from "node:crypto";
import type { Secret } from "../secret-store.ts";
import type { KubernetesSecret } from "./shape.ts";

/**
 * The keys as fields. A key whose bytes are no UTF-8 text has no string: it is told only where it is asked for, so
 * that a keystore beside a password does no harm.
 */
export function fieldsFrom({ data }: KubernetesSecret): Record<string, string | null> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const pairs = Object.entries(data ?? {}).map(([key, value]) => {
    try {
      return [key, decoder.decode(Buffer.from(value, "base64"))] as const;
    } catch {
      return [key, null] as const;
    }
  });
  return Object.fromEntries(pairs);
}

/** When its data was last changed, as far as its managers say; at the latest when it was made. Epoch milliseconds. */
export function changedAt({ metadata }: KubernetesSecret): number | undefined {
  const times = (metadata.managedFields ?? [])
    .filter(({ fieldsV1 = {} }) => "f:data" in fieldsV1 || "f:stringData" in fieldsV1)
    .map(({ time = "" }) => Date.parse(time));
  const known = [Date.parse(metadata.creationTimestamp ?? ""), ...times].filter((at) => !Number.isNaN(at));
  return known.length === 0 ? undefined : Math.max(...known);
}

/** When it was told to go: it is still given, for as long as a finalizer holds it. Epoch milliseconds. */
export function endsAt({ metadata }: KubernetesSecret): number | undefined {
  const at = Date.parse(metadata.deletionTimestamp ?? "");
  return Number.isNaN(at) ? undefined : at;
}

/**
 * Names the versions of Secrets. resourceVersion moves with each label and annotation too, which is no rotation: so a
 * version keeps the name that it was first seen by for as long as its data are the same.
 */
export class Versions {
  readonly #seen = new Map<string, { readonly digest: string; readonly version: string }>();

  nameOf(secret: KubernetesSecret): string {
    const { namespace, name, resourceVersion } = secret.metadata;
    const data = Object.entries(secret.data ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1));
    const digest = createHash("sha256").update(JSON.stringify(data)).digest("base64");
    const place = `${namespace}/${name}`;
    const before = this.#seen.get(place);
    if (before?.digest === digest) return before.version;
    this.#seen.set(place, { digest, version: resourceVersion });
    return resourceVersion;
  }
}

/** As a store gives it. */
export function secretFrom(secret: KubernetesSecret, versions: Versions): Secret {
  const [createdAt, expiresAt] = [changedAt(secret), endsAt(secret)];
  return {
    fields: fieldsFrom(secret),
    version: versions.nameOf(secret),
    ...(createdAt !== undefined && { createdAt }),
    ...(expiresAt !== undefined && { expiresAt }),
  };
}
