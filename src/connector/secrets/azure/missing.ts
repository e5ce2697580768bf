import { z } from "zod";
import { Failure } from "../../failure.ts";
import { nearest } from "../../nearest.ts";
import type { AzureRef } from "../azure.ts";
import { objectOf, unixTime } from "./answer.ts";
import type { Reading } from "./reading.ts";
import { newestOf, versionsOf } from "./versions.ts";

/** A vault has no such secret, or version of it; or it was deleted, and can be had back. */
export async function missing(reading: Reading, ref: AzureRef): Promise<Failure> {
  const { name, version } = ref;
  if (version !== undefined) {
    const newest = newestOf((await versionsOf(reading, ref).catch(() => undefined)) ?? []);
    if (newest !== undefined) {
      const evidence = { missingVersion: version, newestVersion: newest.id };
      return new Failure("secret", "secret_not_found", evidence);
    }
  }
  const deleted = await deletedOf(reading, ref).catch(() => undefined);
  if (deleted !== undefined) return deleted;
  const near = await nearestName(reading, ref).catch(() => undefined);
  const evidence = { missingName: name, ...(near === undefined ? {} : { near }) };
  return new Failure("secret", "secret_not_found", evidence);
}

const deletedBody = z.object({ recoveryId: z.string(), scheduledPurgeDate: unixTime });

/** Soft delete keeps a secret for a while: https://learn.microsoft.com/azure/key-vault/general/soft-delete-overview */
async function deletedOf(
  { keyVault, signal }: Reading,
  { vault, name }: AzureRef,
): Promise<Failure | undefined> {
  const url = new URL(`${vault.replace(/\/+$/, "")}/deletedsecrets/${name}`);
  const answer = await keyVault.get(url, signal);
  const parsed = deletedBody.safeParse(objectOf(answer));
  if (answer.status !== 200 || !parsed.success) return undefined;
  const { scheduledPurgeDate: purge } = parsed.data;
  const until =
    purge === undefined
      ? ""
      : `, and is purged at ${new Date(purge * 1000).toISOString().replace(".000Z", "Z")}`;
  const evidence = { recoverable: name, disabledHow: `deleted${until}` };
  return new Failure("secret", "secret_disabled", evidence);
}

const named = z.object({ id: z.string() });

async function nearestName(
  { keyVault, signal }: Reading,
  { vault, name }: AzureRef,
): Promise<string | undefined> {
  const items = await keyVault.list(new URL(`${vault.replace(/\/+$/, "")}/secrets`), signal);
  const names = (items ?? []).flatMap((one) => named.safeParse(one).data?.id.split("/").at(-1) ?? []);
  return nearest(
    name,
    names.filter((known) => /^[0-9A-Za-z][0-9A-Za-z-]*$/.test(known)),
  );
}
