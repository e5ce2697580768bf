import type { Evidence } from "../../../protocol/words.ts";
import type { StoreAnswer, StoreHttp, StoreRequest } from "../../dial/store-http.ts";
import { Failure } from "../../failure.ts";
import type { Keys } from "./identity.ts";
import { giverFailed, noIdentity } from "./rejected.ts";

/** Asks an agent on this node. Throws Failure store_identity_rejected where it does not answer. */
export async function askAgent(
  { near, told, giver }: { readonly near: StoreHttp; readonly told: Evidence; readonly giver: string },
  request: StoreRequest,
  signal: AbortSignal,
): Promise<StoreAnswer> {
  try {
    return await near.request(request, signal);
  } catch (error) {
    throw error instanceof Failure ? giverFailed(told, giver, error) : error;
  }
}

/** The keys in an agent's answer: the form that ECS, EKS and EC2 share. */
export function agentKeys(answer: StoreAnswer, told: Evidence, giver: string): Keys {
  let found: Record<string, unknown>;
  try {
    found = JSON.parse(answer.body.toString("utf8")) as typeof found;
  } catch {
    throw noIdentity(told, `${giver} did not answer in JSON`);
  }
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = found ?? {};
  if (typeof AccessKeyId !== "string" || typeof SecretAccessKey !== "string")
    throw noIdentity(told, `${giver} answered without keys`);
  const endsAt = typeof Expiration === "string" ? Date.parse(Expiration) : Number.NaN;
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: typeof Token === "string" ? Token : undefined,
    endsAt: Number.isNaN(endsAt) ? undefined : endsAt,
  };
}

/** The code in an agent's refusal, where it has one: its words are not told. */
export function agentCode({ body }: StoreAnswer): string {
  const text = body.subarray(0, 4096).toString("utf8");
  return (
    /\b([A-Z][A-Za-z]{2,60}Exception)\b/.exec(text)?.[1] ??
    /"code"\s*:\s*"([A-Za-z]{3,60})"/i.exec(text)?.[1] ??
    ""
  );
}
