import { createPrivateKey, type KeyObject } from "node:crypto";
import type { Evidence } from "../../../protocol/words.ts";
import type { Failure } from "../../failure.ts";
import type { ServiceAccount } from "./credentials.ts";
import {
  ask,
  type Errand,
  form,
  refused,
  SCOPE,
  skewOf,
  type Token,
  tokenOf,
  trustedUrl,
} from "./identity.ts";
import { type OAuthTrouble, oauthTrouble } from "./oauth-trouble.ts";

const LIFE_SECONDS = 3600;

/** A service account's key: https://developers.google.com/identity/protocols/oauth2/service-account#httprest */
export async function tokenByKey(key: ServiceAccount, file: string, errand: Errand): Promise<Token> {
  const account = key.client_email;
  const who = { identity: account, account, member: `serviceAccount:${account}`, credentialsFile: file };
  const url = trustedUrl(key.token_uri, "token_uri", who);
  const answer = await ask(errand, {
    method: "POST",
    url,
    ...form({
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion: await assertion(key, url, privateKey(key, who), errand),
    }),
  });
  if (answer.status === 200) return tokenOf(answer, { clock: errand.clock, who });
  const trouble = oauthTrouble(answer, kindsOf(key));
  const skew = "badTime" in trouble ? skewOf(answer, errand.clock) : {};
  throw refused({ ...who, ...trouble, ...skew });
}

/** RS256 is all that Google takes, and keys of its own making have 2048 bits. */
const LEAST_BITS = 2048;

function privateKey(key: ServiceAccount, who: Evidence): KeyObject {
  const wrong = (trouble: string): Failure =>
    refused({ ...who, trouble, badFile: who["credentialsFile"] ?? "" });
  let read: KeyObject;
  try {
    read = createPrivateKey(key.private_key);
  } catch {
    throw wrong("its private_key is not a key in PEM"); // The cause might repeat it.
  }
  const { modulusLength = 0 } = read.asymmetricKeyDetails ?? {};
  if (read.asymmetricKeyType === "rsa" && modulusLength >= LEAST_BITS) return read;
  throw wrong(`its private_key is no RSA key of ${LEAST_BITS} bits or more`);
}

async function assertion(key: ServiceAccount, url: URL, signed: KeyObject, errand: Errand): Promise<string> {
  const { SignJWT } = await import("jose");
  const now = Math.floor(errand.clock.now() / 1000);
  const kid = key.private_key_id === "" ? {} : { kid: key.private_key_id };
  return await new SignJWT({ scope: SCOPE })
    .setProtectedHeader({ alg: "RS256", typ: "JWT", ...kid })
    .setIssuer(key.client_email)
    .setAudience(url.href)
    .setIssuedAt(now)
    .setExpirationTime(now + LIFE_SECONDS)
    .sign(signed);
}

function kindsOf({ private_key_id: keyId, client_email: account }: ServiceAccount): readonly OAuthTrouble[] {
  const disabled = { trouble: "the account is disabled", mend: { disabledAccount: account } };
  return [
    {
      error: "invalid_grant",
      says: /signature/i,
      trouble: "its key was deleted, or is another account's",
      mend: { rejectedKey: keyId === "" ? "in the file" : keyId },
    },
    {
      error: "invalid_grant",
      says: /short-lived|timeframe/i,
      trouble: "the time in what it signed is wrong",
      mend: { badTime: "yes" },
    },
    { error: "invalid_grant", says: /disabled/i, ...disabled },
    { error: "disabled_client", ...disabled },
    {
      error: "invalid_grant",
      says: /not found|deleted/i,
      trouble: "there is no such account",
      mend: { absentAccount: account },
    },
    { error: "deleted_client", trouble: "the account was deleted", mend: { absentAccount: account } },
  ];
}
