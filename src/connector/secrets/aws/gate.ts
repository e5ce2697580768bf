import type { Tag } from "@aws-sdk/client-secrets-manager";
import { Failure } from "../../failure.ts";

/** Whether one of the keys is a tag with the value `true`. */
export function isTagged(tags: readonly Tag[], keys: readonly string[]): boolean {
  return tags.some(({ Key = "", Value }) => keys.includes(Key) && Value === "true");
}

/** Throws Failure secret_not_tagged where a secret that must be marked is not. */
export function demandTag(
  { Tags = [], ARN = "" }: { readonly Tags?: Tag[] | undefined; readonly ARN?: string | undefined },
  keys: readonly string[],
): void {
  if (isTagged(Tags, keys)) return;
  throw new Failure("secret", "secret_not_tagged", { gate: "tag", gateKey: keys[0] ?? "", secretArn: ARN });
}
