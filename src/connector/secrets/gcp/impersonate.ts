import { z } from "zod";
import type { Evidence } from "../../../protocol/words.ts";
import { ask, type Errand, isToken, refused, SCOPE, type Token, trustedUrl } from "./identity.ts";
import { consumerOf, jsonOf, type Status, statusOf } from "./status.ts";

const LIFE = "3600s";

const answerOf = z.object({ accessToken: z.string().refine(isToken), expireTime: z.iso.datetime() });

/**
 * A service account's token in exchange for that of somebody who may use it: generateAccessToken,
 * https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
 */
export async function tokenByImpersonation(
  source: Token,
  { url, delegates = [] }: { readonly url: string; readonly delegates?: readonly string[] },
  errand: Errand,
): Promise<Token> {
  const account = /\/serviceAccounts\/([\w.@-]+):generateAccessToken$/.exec(url)?.[1] ?? "";
  const file = { credentialsFile: source.who["credentialsFile"] ?? "" };
  const who = { ...file, identity: account, account, member: `serviceAccount:${account}` };
  if (account === "")
    throw refused({
      ...source.who,
      trouble: "its service_account_impersonation_url names no service account",
    });
  const answer = await ask(errand, {
    method: "POST",
    url: trustedUrl(url, "service_account_impersonation_url", source.who),
    headers: { authorization: `Bearer ${source.token}`, "content-type": "application/json" },
    body: JSON.stringify({ scope: [SCOPE], lifetime: LIFE, delegates }),
  });
  const parsed = answerOf.safeParse(jsonOf(answer.body));
  if (answer.status === 200 && parsed.success) {
    return { token: parsed.data.accessToken, endsAt: Date.parse(parsed.data.expireTime), who };
  }
  throw refused({
    ...who,
    ...impersonationTrouble(statusOf(answer), { http: answer.status, account, source: source.who }),
  });
}

/** Whose the right is that lacks: the source's, on the account. */
function impersonationTrouble(
  status: Status | undefined,
  { http, account, source }: { readonly http: number; readonly account: string; readonly source: Evidence },
): Evidence {
  const code = status?.reason || status?.code || String(http);
  const { identity = "", member = "" } = source;
  if (status?.reason === "SERVICE_DISABLED") {
    const disabledService = "iamcredentials.googleapis.com";
    const consumer = consumerOf(status);
    return { code, disabledService, consumer, trouble: `the API ${disabledService} is not enabled` };
  }
  if (status?.code === "PERMISSION_DENIED") {
    const lacks = "lacks iam.serviceAccounts.getAccessToken on it, or there is no such account";
    const role = "roles/iam.workloadIdentityUser";
    const actorRole = String(member).startsWith("principal") ? role : "roles/iam.serviceAccountTokenCreator";
    return {
      code,
      trouble: `${identity} ${lacks} (${code})`,
      actor: identity,
      actorMember: member,
      actorRole,
    };
  }
  if (status?.code === "NOT_FOUND")
    return { code, trouble: `there is no such account (${code})`, absentAccount: account };
  return { code, trouble: `${identity} was refused its token (${code})` };
}
