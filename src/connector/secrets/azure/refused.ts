import { isIP } from "node:net";
import type { Evidence } from "../../../protocol/words.ts";
import type { StoreAnswer } from "../../dial/store-http.ts";
import { Failure } from "../../failure.ts";
import type { AzureRef } from "../azure.ts";
import { vaultLabel } from "./names.ts";
import { placeOf, refusalOf, type Refusal } from "./answer.ts";
import { missing } from "./missing.ts";
import { type Reading, secretUrl } from "./reading.ts";

/** Why a vault that was reached and knows us does not give a secret. */
export async function refused(reading: Reading, ref: AzureRef, answer: StoreAnswer): Promise<Failure> {
  const refusal = refusalOf(answer) ?? { status: answer.status, code: "", words: "" };
  if (refusal.status === 404 || refusal.code === "ObjectIsDeletedButRecoverable")
    return await missing(reading, ref);
  if (refusal.status === 400) {
    return new Failure("secret", "secret_not_found", { badName: ref.name, code: refusal.code });
  }
  if (refusal.status === 403) return forbidden(reading, ref, refusal);
  const evidence = { endpoint: placeOf(secretUrl(ref)), status: refusal.status, code: refusal.code };
  return new Failure("secret", "store_unreachable", evidence);
}

function forbidden({ identity }: Reading, { vault, name }: AzureRef, refusal: Refusal): Failure {
  const { code, words } = refusal;
  const disabled = disabledHow(refusal, name);
  if (disabled !== undefined) return new Failure("secret", "secret_disabled", { ...disabled, code });
  const who: Evidence = identity.clientId === undefined ? {} : { clientId: identity.clientId };
  return new Failure("secret", "secret_forbidden", {
    ...who,
    ...callerOf(words),
    ...deniedBy(refusal, vaultLabel(vault)),
    code,
  });
}

/** Inner codes and, where older vaults give none, the words that stand for them. */
function disabledHow({ code, words }: Refusal, name: string): Evidence | undefined {
  if (code === "SecretDisabled" || /disabled secret/i.test(words))
    return { disabledHow: "disabled", disabledSecret: name };
  if (code === "SecretNotYetValid" || /not (a |an )?(yet valid|active yet|yet active)/i.test(words))
    return { disabledHow: "not valid yet", earlySecret: name };
  if (code === "SecretExpired" || /expired secret|secret (has|is) expired/i.test(words))
    return { disabledHow: "expired", expiredValue: name };
  return undefined;
}

function deniedBy({ code, words }: Refusal, vault: string): Evidence {
  if (code === "ForbiddenByFirewall" || /client address is not authorized/i.test(words)) {
    const address = /Client address: ([0-9a-fA-F.:]+)/.exec(words)?.[1] ?? "";
    return { firewall: vault, ...(isIP(address) === 0 ? {} : { egress: address }) };
  }
  if (code === "ForbiddenByConnection" || /private link|public network access is disabled/i.test(words))
    return { privateVault: vault };
  if (code === "ForbiddenByRbac" || /is not authorized to perform action/i.test(words))
    return { role: "Key Vault Secrets User", ...scopeOf(words) };
  if (
    code === "ForbiddenByPolicy" ||
    code === "AccessDenied" ||
    /does not have secrets get permission/i.test(words)
  )
    return { accessPolicy: "get" };
  return {};
}

const GUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";

/** The object id under which the vault knows us: a GUID, or nothing. */
function callerOf(words: string): Evidence {
  const principal = new RegExp(`\\boid=(${GUID})`).exec(words)?.[1];
  return principal === undefined ? {} : { principal };
}

/** The Azure resource that a role is wanted on. */
function scopeOf(words: string): Evidence {
  const form = `Resource: '(/subscriptions/${GUID}/resourcegroups/[\\w.()-]{1,90}/providers/microsoft\\.keyvault/vaults/[\\w-]{1,127}(?:/secrets/[\\w-]{1,127})?)'`;
  const scope = new RegExp(form, "i").exec(words)?.[1];
  return scope === undefined ? {} : { scope };
}
