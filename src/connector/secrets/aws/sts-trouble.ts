import type { Evidence } from "../../../protocol/words.ts";
import { Failure } from "../../failure.ts";
import { accountOf } from "./arn.ts";
import { denialOf } from "./denial.ts";
import { giverFailed, noIdentity, STS } from "./rejected.ts";
import type { AwsTrouble } from "./trouble.ts";

/** STS itself is in trouble; undefined where it is not. */
export function outage(trouble: AwsTrouble, told: Evidence): Failure | undefined {
  const { status, endpoint } = trouble;
  if (status < 500) return undefined;
  return giverFailed(told, STS, new Failure("secret", "store_unreachable", { status, endpoint }));
}

/** Why a token was not taken: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html#API_AssumeRoleWithWebIdentity_Errors */
export function webIdentityTrouble(trouble: AwsTrouble, told: Evidence): Failure {
  const { code } = trouble;
  const words = trouble.words();
  const file = told["tokenFile"] || "its token file";
  const asked = { ...told, code, endpoint: trouble.endpoint };
  switch (code) {
    case "AccessDenied":
    case "AccessDeniedException": {
      const { explicit } = denialOf(words);
      const why = explicit ? "a policy forbids it" : "its trust policy does not let this token in";
      return noIdentity({ ...asked, distrusted: told["awsRole"] ?? "" }, `${why} (${code})`, trouble);
    }
    case "ExpiredTokenException":
    case "ExpiredToken":
      return noIdentity(
        { ...asked, spentToken: told["tokenFile"] ?? "" },
        `the token in ${file} has ended (${code})`,
        trouble,
      );
    case "InvalidIdentityToken":
    case "InvalidIdentityTokenException": {
      if (/audience/i.test(words))
        return noIdentity(
          { ...asked, wrongAudience: told["audience"] ?? "another" },
          `the token's audience is not the one that the identity provider takes (${code})`,
          trouble,
        );
      if (/No OpenIDConnect provider/i.test(words))
        return noIdentity(
          { ...asked, unknownIssuer: told["issuer"] ?? "the token's issuer" },
          `the account has no identity provider for the token's issuer (${code})`,
          trouble,
        );
      return noIdentity(
        { ...asked, badToken: told["tokenFile"] ?? "" },
        `AWS cannot verify the token in ${file} (${code})`,
        trouble,
      );
    }
    case "IDPRejectedClaim":
      return noIdentity(
        { ...asked, badToken: told["tokenFile"] ?? "" },
        `the identity provider rejects the token (${code})`,
        trouble,
      );
    case "IDPCommunicationError":
      return noIdentity(asked, `AWS does not reach the identity provider of the token (${code})`, trouble);
    default:
      return noIdentity(asked, `AWS STS answered ${code || trouble.status}`, trouble);
  }
}

/** Why a role may not be assumed: its trust policy, and the policies of whoever asks. */
export function roleTrouble(trouble: AwsTrouble, told: Evidence): Failure {
  const { code, endpoint } = trouble;
  const asked = { ...told, code, endpoint };
  if (code !== "AccessDenied" && code !== "AccessDeniedException")
    return noIdentity(asked, `AWS STS answered ${code || trouble.status}`, trouble);
  const { principal = "", explicit } = denialOf(trouble.words());
  const who = principal === "" ? String(told["baseIdentity"]) : principal;
  const why = explicit ? `a policy forbids ${who} to assume it` : `${who} may not assume it`;
  const evidence = { ...asked, principal, assumer: who, assumerAccount: accountOf(principal) };
  return noIdentity(evidence, `${why} (${code})`, trouble);
}
