import { z } from "zod";
import type { AzureRef } from "../azure.ts";
import type { Reading } from "./reading.ts";

export interface Version {
  /** Its identifier alone. */
  readonly id: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly enabled: boolean;
  readonly tags: Readonly<Record<string, unknown>>;
}

const item = z.object({
  id: z.string(),
  attributes: z
    .object({ created: z.number().default(0), enabled: z.boolean().default(true) })
    .default({ created: 0, enabled: true }),
  tags: z.record(z.string(), z.unknown()).default({}),
});

/** The versions of a secret, without their values; undefined where the connector may not list them. */
export async function versionsOf(
  { keyVault, signal }: Pick<Reading, "keyVault" | "signal">,
  { vault, name }: AzureRef,
): Promise<Version[] | undefined> {
  const url = new URL(`${vault.replace(/\/+$/, "")}/secrets/${name}/versions`);
  const items = await keyVault.list(url, signal);
  return items?.flatMap((one) => {
    const parsed = item.safeParse(one);
    if (!parsed.success) return [];
    const { id, attributes, tags } = parsed.data;
    return [{ id: id.split("/").at(-1) ?? "", ...attributes, tags }];
  });
}

/** The one that is read without a version: what was made last. */
export function newestOf(versions: readonly Version[]): Version | undefined {
  return versions.toSorted((a, b) => b.created - a.created)[0];
}

/** The newest that could be read instead of a pinned one, where it was made after that. */
export function newerThan(id: string, versions: readonly Version[]): Version | undefined {
  const pinned = versions.find((version) => version.id === id);
  const newest = newestOf(versions.filter(({ enabled }) => enabled));
  return pinned !== undefined && newest !== undefined && newest.created > pinned.created ? newest : undefined;
}
