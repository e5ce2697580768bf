import type { Evidence } from "../../../protocol/words.ts";
import { toldSkew } from "../../dial/told-wait.ts";
import type { TokenNames } from "../../dial/token-names.ts";
import { Failure } from "../../failure.ts";
import type { Answer } from "./api.ts";
import type { Login } from "./auth.ts";

export interface Refused {
  readonly auth: Login;
  readonly label: string;
  /** The file with what we are known by. */
  readonly file: string;
  /** What our token says of itself. */
  readonly names: TokenNames | undefined;
  readonly answer: Answer;
  /** Whether there is an auth method where we log in. */
  readonly there: boolean;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** A login that was refused, as Failure("secret", "store_identity_rejected"). */
export function loginFailure(refused: Refused): Failure {
  const { label, names, answer } = refused;
  const subject = names?.subject;
  const identity = subject === undefined ? label : `${label} with the token of ${subject}`;
  const known = { identity, code: String(answer.status), ...(subject === undefined ? {} : { subject }) };
  return new Failure("secret", "store_identity_rejected", { ...known, ...troubleOf(refused) });
}

/**
 * What is wrong, by what Vault's auth methods say (vault-plugin-auth-jwt, vault-plugin-auth-kubernetes, AppRole):
 * statuses do not tell. Each case has a name of its own among the evidence, which picks its remedy.
 */
function troubleOf(refused: Refused): Evidence {
  const { auth, answer, there } = refused;
  const { errors, status } = answer;
  const mount = `auth/${auth.mount}`;
  if (status === 200) return { trouble: "the login gives no token; does it want a second factor?" };
  if (!there || status === 404 || /no handler for route/i.test(errors))
    return { missingAuthMount: mount, trouble: `there is no auth method at ${mount}` };
  if (/CIDR|source address/i.test(errors))
    return { wrongSource: mount, trouble: "it may not log in from the connector's address" };
  return auth.method === "approle" ? appRoleTrouble(refused, mount) : tokenTrouble(refused, auth.role, mount);
}

function appRoleTrouble({ file, answer: { errors, status } }: Refused, mount: string): Evidence {
  if (/invalid role|secret.?id/i.test(errors)) {
    const trouble = `the role id is unknown, or the secret id in ${file} is wrong, used up or expired`;
    return { wrongSecretId: file, trouble };
  }
  if (status === 403) {
    const trouble =
      "the role id is locked out after wrong secret ids, for 15 minutes by default, or is forbidden";
    return { lockedAt: mount, trouble };
  }
  return { refusedBy: mount, trouble: `${mount} answered ${status}` };
}

function tokenTrouble(refused: Refused, role: string, mount: string): Evidence {
  const { names, answer, file, now } = refused;
  const { errors, status } = answer;
  if (names === undefined) return { noJwt: file, trouble: `what is in ${file} is no JWT` };
  if (/role\b.*(could not be found|not found)|invalid role name/i.test(errors))
    return { missingRole: role, trouble: `there is no role ${role} at ${mount}` };
  if (/expired/i.test(errors)) return expired(refused);
  if (/not (yet )?valid (yet|before)|not yet valid|\bnbf\b|issued in the future|\biat\b/i.test(errors))
    return { early: file, trouble: "its token is not valid yet", ...toldSkew(answer.raw, now) };
  if (/audience/i.test(errors)) {
    const audience = names.audience ?? "no audience";
    return {
      wrongAudience: audience,
      trouble: `its token is for ${audience}, and the role wants another audience`,
    };
  }
  if (/service account name not authorized/i.test(errors))
    return { wrongAccount: role, trouble: `role ${role} does not take the name of this ServiceAccount` };
  if (/namespace not authorized/i.test(errors))
    return { wrongAccount: role, trouble: `role ${role} does not take the namespace of this ServiceAccount` };
  if (/\(sub\)|invalid subject/i.test(errors))
    return { wrongSubject: role, trouble: `role ${role} takes another subject` };
  if (/issuer|\(iss\)/i.test(errors)) {
    const issuer = names.issuer ?? "nobody";
    return {
      wrongIssuer: issuer,
      trouble: `its token is of the issuer ${issuer}, and ${mount} takes another`,
    };
  }
  const claim = /claim "([\w./-]{1,64})"/.exec(errors)?.[1];
  if (claim !== undefined)
    return { wrongClaim: claim, trouble: `role ${role} takes another value of the claim ${claim}` };
  if (/signature|known key/i.test(errors)) {
    const issuer = names.issuer ?? "nobody";
    return { wrongKey: issuer, trouble: `${mount} has no key that its token of ${issuer} is signed with` };
  }
  // The cluster's own judgement of a token comes without a word.
  if ((names.expiresAt ?? now) < now) return expired(refused);
  if (refused.auth.method === "kubernetes" && status === 403) {
    const trouble = "the cluster does not vouch for its token, or Vault cannot ask it (TokenReview)";
    return { unreviewed: mount, trouble, ...accountOf(names.subject) };
  }
  return { refusedBy: mount, trouble: `${mount} answered ${status}` };
}

function expired({ names, answer, file, now }: Refused): Evidence {
  const at = names?.expiresAt;
  if (at === undefined || at > now) {
    return { expiredToken: file, trouble: `the token in ${file} has expired`, ...toldSkew(answer.raw, now) };
  }
  const time = new Date(at).toISOString().replace(/\.\d{3}Z$/, "Z");
  return { expiredToken: file, trouble: `the token in ${file} expired at ${time}` };
}

function accountOf(subject = ""): Evidence {
  const [, namespace, name] = /^system:serviceaccount:([a-z0-9-]+):([a-z0-9.-]+)$/.exec(subject) ?? [];
  return namespace === undefined || name === undefined ? {} : { accountNamespace: namespace, account: name };
}
