import type { Evidence } from "../../../protocol/words.ts";
import { type ExternalAccount, textOf } from "./credentials.ts";
import {
  ask,
  type Errand,
  form,
  isToken,
  refused,
  SCOPE,
  skewOf,
  type Token,
  tokenOf,
  trustedUrl,
} from "./identity.ts";
import { tokenByImpersonation } from "./impersonate.ts";
import { type OAuthTrouble, oauthTrouble } from "./oauth-trouble.ts";
import { subjectOf } from "./subject.ts";

/**
 * Workload identity federation: a token of the cluster's own in exchange for one of Google's (RFC 8693).
 * https://cloud.google.com/iam/docs/workload-identity-federation-with-kubernetes
 */
export async function tokenByFederation(
  account: ExternalAccount,
  file: string,
  errand: Errand,
): Promise<Token> {
  const provider = account.audience.replace(/^\/\/iam\.googleapis\.com\//, "");
  const tokenFile = account.credential_source.file;
  const told = { credentialsFile: file, tokenFile, provider };
  const subjectToken = await readSubjectToken(account, { ...told, identity: workloadOf(provider) });
  const who = { ...told, ...principalOf(provider, subjectToken) };
  const answer = await ask(errand, {
    method: "POST",
    url: trustedUrl(account.token_url, "token_url", who),
    ...form({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
      audience: account.audience,
      scope: SCOPE,
      subject_token: subjectToken,
      subject_token_type: account.subject_token_type,
    }),
  });
  if (answer.status !== 200) {
    const skew = skewOf(answer, errand.clock);
    const trouble = oauthTrouble(answer, kindsOf(told));
    throw refused({ ...who, ...trouble, ...("staleToken" in trouble ? skew : {}) });
  }
  const token = tokenOf(answer, { clock: errand.clock, who });
  const url = account.service_account_impersonation_url;
  const whole = url === undefined ? token : await tokenByImpersonation(token, { url }, errand);
  const quotaProject = account.quota_project_id;
  return quotaProject === undefined ? whole : { ...whole, quotaProject };
}

async function readSubjectToken({ credential_source }: ExternalAccount, who: Evidence): Promise<string> {
  const { file, format } = credential_source;
  const text = (await textOf(file, who)).trim();
  const token = format.type === "text" ? text : memberOf(text, format.subject_token_field_name);
  if (!isToken(token))
    throw refused({ ...who, trouble: `the file ${file} holds no token`, unreadFile: file });
  return token;
}

function memberOf(text: string, member: string): string {
  try {
    return String(Reflect.get(Object(JSON.parse(text)) as object, member) ?? "");
  } catch {
    return "";
  }
}

/** As IAM policies write it, where the provider maps google.subject to the token's own subject. */
function principalOf(provider: string, token: string): Evidence {
  const subject = subjectOf(token);
  const [, pool] = /^(projects\/\d+\/locations\/global\/workloadIdentityPools\/[^/]+)\//.exec(provider) ?? [];
  if (subject === undefined) return { identity: workloadOf(provider) };
  const identity = `${subject} of ${shortOf(provider)}`;
  if (pool === undefined) return { identity };
  return { identity, member: `principal://iam.googleapis.com/${pool}/subject/${subject}` };
}

function workloadOf(provider: string): string {
  return `a workload of ${shortOf(provider)}`;
}

/** The names of pool and provider. */
function shortOf(provider: string): string {
  const [, pool, name] = /\/workloadIdentityPools\/([^/]+)\/providers\/([^/]+)$/.exec(provider) ?? [];
  return pool === undefined ? provider : `${pool}/${name}`;
}

function kindsOf({
  provider,
  tokenFile,
}: Readonly<Record<"provider" | "tokenFile", string>>): readonly OAuthTrouble[] {
  return [
    {
      error: "invalid_target",
      trouble: "the pool or the provider is disabled, deleted or was never made",
      mend: { absentProvider: provider },
    },
    {
      error: "unauthorized_client",
      trouble: "the provider's attribute condition does not admit it",
      mend: { wrongClaims: provider },
    },
    {
      error: "invalid_grant",
      says: /audience/i,
      trouble: "the token in its file is made for another audience",
      mend: { wrongAudience: provider },
    },
    {
      error: "invalid_grant",
      says: /stale|expired|time/i,
      trouble: "the token in its file has ended",
      mend: { staleToken: tokenFile },
    },
    {
      error: "invalid_grant",
      says: /issuer|signature|verif|key|connect/i,
      trouble: "the provider does not know who issued the token in its file",
      mend: { wrongIssuer: provider },
    },
    {
      error: "invalid_request",
      says: /audience/i,
      trouble: "the audience in the file names no provider",
      mend: { absentProvider: provider },
    },
  ];
}
