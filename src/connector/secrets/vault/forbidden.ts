import type { Evidence } from "../../../protocol/words.ts";
import { Failure } from "../../failure.ts";
import type { VaultRef } from "../vault.ts";
import { readable, standingOf } from "./denied.ts";
import { nearestMount } from "./missing.ts";
import type { Location } from "./mounts.ts";
import type { Reading } from "./reading.ts";

type Place = Pick<Location, "mount" | "path" | "kv">;

/** The path that a policy must name so that the secret can be read. */
function policyPath({ mount, path, kv }: Place): string {
  return kv === 2 ? `${mount}/data/${path}` : `${mount}/${path}`;
}

/** The last is the one that was written for us: Vault lists them sorted, and `default` is left out. */
function policyOf(policies: readonly string[]): Evidence {
  const policy = policies.at(-1);
  return policy === undefined ? {} : { policy, policies: policies.join(", ") };
}

/**
 * The token is known and may not read the secret. Throws RefusedToken where it is not known. A policy written for the
 * other version of the KV engine is the usual slip, and named.
 */
export async function forbidden({ api, token, signal }: Reading, at: Place): Promise<Failure> {
  const { policies } = await standingOf(api, token, signal);
  const wanted = policyPath(at);
  const other = policyPath({ ...at, kv: at.kv === 2 ? 1 : 2 });
  const may = await readable(api, token, [other], signal).catch(() => undefined);
  const slip = may?.includes(other) === true ? { grantedPath: other } : {};
  const evidence = { policyPath: wanted, kv: at.kv, ...slip, ...policyOf(policies) };
  return new Failure("secret", "secret_forbidden", evidence);
}

/** The gate is on, and the token may not see the custom metadata. */
export async function forbiddenMetadata({ api, token, signal }: Reading, at: Place): Promise<Failure> {
  const { policies } = await standingOf(api, token, signal);
  const wanted = `${at.mount}/metadata/${at.path}`;
  const evidence = { policyPath: wanted, gatePath: wanted, ...policyOf(policies) };
  return new Failure("secret", "secret_forbidden", evidence);
}

/** Nothing in the mount may be read, or there is no such mount: Vault keeps that to itself. */
export async function forbiddenEither(reading: Reading, ref: VaultRef): Promise<Failure> {
  const { api, token, signal } = reading;
  const { policies } = await standingOf(api, token, signal);
  const near = await nearestMount(reading, ref.mount);
  const evidence = {
    unseenMount: ref.mount,
    policyPath: `${ref.mount}/data/${ref.path}`,
    otherPolicyPath: `${ref.mount}/${ref.path}`,
    ...policyOf(policies),
    ...(near === undefined ? {} : { nearMount: near }),
  };
  return new Failure("secret", "secret_forbidden", evidence);
}
