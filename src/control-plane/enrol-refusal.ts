import type { EnrolError } from "../protocol/enrolment.ts";
import { isAccountToken } from "./account-token.ts";

const OF_ACCOUNTS: Partial<Record<EnrolError, string>> = {
  token_unknown:
    "Nobody registered this issuer and ServiceAccount: mooring connector-identity add NAME --issuer … --service-account …",
  token_expired: "The ServiceAccount's token is expired.",
  bad_audience:
    "The ServiceAccount's token is meant for another control plane, or for another name of this one.",
  token_rejected:
    "Nobody vouches for the ServiceAccount's token: none of the registered keys signed it, or its account or Pod is gone.",
  clock_skew: "The ServiceAccount's token is not valid yet. Compare the clocks: this answer has a Date.",
  revoked: "The connector was revoked. Register its identity anew: mooring connector-identity add NAME …",
  rate_limited: "Too many tokens are to be reviewed.",
  unavailable: "The control plane cannot ask its cluster about the token. Its log says why.",
};

/** Why an enrolment was refused, for a person. */
export function enrolRefusal(error: EnrolError, token: string): string {
  const says = isAccountToken(token) ? OF_ACCOUNTS[error] : undefined;
  return says ?? "The join token or its proof was refused. Make a new one with: mooring token create NAME";
}
