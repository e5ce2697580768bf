import { z } from "zod";
import { Failure } from "../../failure.ts";
import type { AzureRef } from "../azure.ts";
import type { OptIn, Secret } from "../secret-store.ts";
import { objectOf, stranger, unixTime } from "./answer.ts";
import { type Reading, secretUrl } from "./reading.ts";
import { refused } from "./refused.ts";
import { newerThan, newestOf, versionsOf } from "./versions.ts";

const bundleBody = z.object({
  value: z.string(),
  id: z.string(),
  attributes: z.object({ nbf: unixTime, exp: unixTime, created: unixTime }).default({}),
  tags: z.record(z.string(), z.unknown()).default({}),
});

/**
 * Reads a secret. Where the gate is on, the tags are looked at before the value, if the connector may list versions
 * (the role "Key Vault Secrets User" may); else they come with the value, and it is not used without them.
 */
export async function readSecret(reading: Reading, ref: AzureRef): Promise<Secret> {
  const { keyVault, optIn, clock, signal } = reading;
  const pinned = ref.version;
  const versions = optIn.required || pinned !== undefined ? await versionsOf(reading, ref) : undefined;
  if (optIn.required && versions !== undefined) {
    const meant = pinned === undefined ? newestOf(versions) : versions.find(({ id }) => id === pinned);
    if (meant !== undefined) judgeTags(optIn, meant.tags);
  }
  const url = secretUrl(ref);
  const answer = await keyVault.get(url, signal);
  if (answer.status !== 200) throw await refused(reading, ref, answer);
  const parsed = bundleBody.safeParse(objectOf(answer));
  if (!parsed.success) throw stranger(url, 200, "Key Vault");
  const { value, id, attributes, tags } = parsed.data;
  if (optIn.required) judgeTags(optIn, tags);
  const { nbf, exp, created } = attributes;
  if (nbf !== undefined && nbf * 1000 > clock.now()) throw early(ref.name, nbf * 1000);
  const newer = pinned === undefined ? undefined : newerThan(pinned, versions ?? []);
  return {
    text: value,
    version: id.split("/").at(-1) ?? "",
    ...(created === undefined ? {} : { createdAt: created * 1000 }),
    ...(exp === undefined ? {} : { expiresAt: exp * 1000 }),
    ...(newer === undefined ? {} : { newerVersion: newer.id }),
  };
}

function judgeTags({ keys }: OptIn, tags: Readonly<Record<string, unknown>>): void {
  if (keys.some((key) => Object.hasOwn(tags, key) && tags[key] === "true")) return;
  throw new Failure("secret", "secret_not_tagged", { gate: "tag", gateKey: keys[0] ?? "" });
}

/** Key Vault gives it all the same, for tests; its author says that it does not count yet. */
function early(name: string, from: number): Failure {
  const time = new Date(from).toISOString().replace(".000Z", "Z");
  return new Failure("secret", "secret_disabled", {
    earlySecret: name,
    disabledHow: `not valid before ${time}`,
  });
}
