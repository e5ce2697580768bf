import { Failure } from "../../failure.ts";
import type { OptIn } from "../secret-store.ts";
import type { Location } from "./mounts.ts";

/**
 * The opt-in gate: a key of the custom metadata with the value `true`. KV version 1 has no metadata, so nothing in it
 * can be marked. undefined where the secret is meant for the connector.
 */
export function gateFailure(optIn: OptIn, at: Location & { kv: 1 }): Failure;
export function gateFailure(
  optIn: OptIn,
  at: Location,
  custom?: Readonly<Record<string, unknown>>,
): Failure | undefined;
export function gateFailure(
  { keys }: OptIn,
  { kv, mount }: Location,
  custom: Readonly<Record<string, unknown>> = {},
): Failure | undefined {
  if (kv === 2 && keys.some((key) => Object.hasOwn(custom, key) && custom[key] === "true")) return undefined;
  const evidence = { gate: "custom metadata", gateKey: keys[0] ?? "" };
  return new Failure(
    "secret",
    "secret_not_tagged",
    kv === 1 ? { ...evidence, ungatedMount: mount } : evidence,
  );
}
