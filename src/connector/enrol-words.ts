import type { AfterClose } from "../protocol/close-codes.ts";
import type { EnrolError } from "../protocol/enrolment.ts";
import { printable, shellWord } from "../protocol/words.ts";
import { factsOfToken } from "./kubernetes/token.ts";

/** Where the token of an enrolment comes from: one of them, or none. */
export interface TokenFrom {
  readonly joinTokenFile?: string | undefined;
  readonly serviceAccountTokenFile?: string | undefined;
}

const MAKE_ONE = "make a new one with mooring token create NAME";

const OF_JOIN_TOKENS: Readonly<Record<EnrolError, string>> = {
  invalid: `does not know the join token, which is none that a control plane makes: ${MAKE_ONE}`,
  token_unknown: `does not know the join token: ${MAKE_ONE}`,
  token_expired: `says that the join token has expired: ${MAKE_ONE}`,
  token_used: `says that the join token was used with another key: ${MAKE_ONE}`,
  token_rejected: `does not accept the join token: ${MAKE_ONE}`,
  bad_proof: "does not accept the proof that the key is this connector's",
  bad_audience:
    "is known by another address than the one that the connector was given: write its --public-url as --control-plane",
  clock_skew: "says that one of the two clocks is wrong",
  revoked: "has revoked this connector: make a new join token with mooring token create NAME",
  rate_limited: "asks to be tried later",
  unavailable: "cannot judge the token at the moment",
};

/** What a control plane's refusal of an enrolment means, after "The control plane at HOST". */
export function enrolWords(error: EnrolError, token: string, from: TokenFrom): string {
  const { serviceAccountTokenFile: file } = from;
  return (file === undefined ? undefined : ofAccount(error, token, file)) ?? OF_JOIN_TOKENS[error];
}

function ofAccount(error: EnrolError, token: string, file: string): string | undefined {
  const { account, issuer = "", audiences = [], endsAt } = factsOfToken(token) ?? {};
  const name = account === undefined ? "NAMESPACE/NAME" : `${account.namespace}/${account.name}`;
  const by = `issuer ${printable(issuer)}`;
  const add = `mooring connector-identity add NAME --service-account ${name} --issuer ${shellWord(printable(issuer))}`;
  switch (error) {
    case "token_unknown":
      return `does not know ServiceAccount ${name} of ${by} (${file}): register it with ${add} and --jwks-file or --token-review`;
    case "token_expired":
      return `says that the token of ServiceAccount ${name} in ${file} has expired (${endsAt === undefined ? "it says no end" : new Date(endsAt).toISOString()}): the kubelet no longer renews it, or one of the clocks is wrong`;
    case "bad_audience":
      return `is not whom the token of ServiceAccount ${name} in ${file} is meant for (${printable(audiences.join(", "))}): project it for the control plane's public URL, and give the connector that address`;
    case "token_rejected":
      return `does not accept the token of ServiceAccount ${name} in ${file}: another key of ${by} signed it than those registered (register the cluster's keys of today with ${add}), or the account or its Pod is gone`;
    case "clock_skew":
      return `says that the token of ServiceAccount ${name} in ${file} is not valid yet: the clock of the cluster or of the control plane is wrong`;
    case "revoked":
      return `has revoked this connector: to let ServiceAccount ${name} enrol again, register it anew with ${add}`;
    case "unavailable":
      return `cannot ask its cluster about the token of ServiceAccount ${name} at the moment: its log says why`;
    case "invalid":
      return `cannot read the token in ${file} as a ServiceAccount's: project one for the control plane's public URL to it`;
    case "bad_proof":
    case "token_used":
    case "rate_limited":
      return undefined;
  }
}

/** Whether the same token is worth another try: what an operator registers, or a clock, can mend a ServiceAccount's. */
export function afterRefusal(error: EnrolError, { serviceAccountTokenFile }: TokenFrom): AfterClose {
  if (error === "rate_limited" || error === "unavailable") return "backoff";
  if (serviceAccountTokenFile === undefined) return "stop";
  return error === "token_unknown" || error === "token_rejected" || error === "clock_skew"
    ? "backoff"
    : "stop";
}
