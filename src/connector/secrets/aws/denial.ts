/** Which policy denied a request: AWS names its kind, and since 2026 often its ARN. */
export type PolicyKind =
  | "identity"
  | "resource"
  | "serviceControl"
  | "resourceControl"
  | "session"
  | "boundary"
  | "endpoint";

/** What AWS's words of an AccessDenied say, as codes and names alone. */
export interface Denial {
  readonly kind?: PolicyKind;
  /** A statement forbids it; false: none allows it. */
  readonly explicit: boolean;
  /** `service:Action`. */
  readonly action?: string;
  /** ARN of whoever asked. */
  readonly principal?: string;
  /** ARN of the secret. */
  readonly secretArn?: string;
  /** The secret stands there as the name that was asked for: AWS has resolved it to none. */
  readonly unresolved: boolean;
  readonly policyArn?: string;
  /** It is the key that may not be used. */
  readonly key: boolean;
  readonly keyArn?: string;
}

const KINDS: readonly (readonly [pattern: RegExp, kind: PolicyKind])[] = [
  [/identity-based polic/i, "identity"],
  [/resource-based polic/i, "resource"],
  [/service control polic/i, "serviceControl"],
  [/resource control polic/i, "resourceControl"],
  [/session polic/i, "session"],
  [/permissions? boundar/i, "boundary"],
  [/VPC endpoint polic/i, "endpoint"],
];

const PRINCIPAL =
  /User: (arn:aws[a-z-]*:(?:iam|sts)::\d{12}:(?:root|[a-z-]+\/[\w+=,.@/-]{1,600}))(?=[\s:]|$)/;
const ACTION = /to perform: ((?:secretsmanager|kms|sts):[A-Za-z]{3,64})\b/;
const RESOURCE = /on resource: (\S{1,600})/;
const SECRET_ARN = /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@!-]+$/;
const KEY_ARN = /arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(?:key|alias)\/[A-Za-z0-9/_-]{1,256}/;
const POLICY_ARN = /\barn:aws[a-z-]*:(?:iam|organizations)::(?:\d{12}|aws):policy\/[\w+=,.@/-]{1,600}/;

/**
 * Reads them. The forms: "User: ARN is not authorized to perform: ACTION on resource: ARN because no KIND policy allows
 * the ACTION action", "… with an explicit deny in a KIND policy[: ARN]", and "Access to KMS is not allowed".
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
 */
export function denialOf(words: string): Denial {
  const explicit = /explicit deny/i.test(words);
  const why = /(?:explicit deny in|because no)\b(.*)$/is.exec(words)?.[1] ?? "";
  const kind = KINDS.find(([pattern]) => pattern.test(why))?.[1];
  const action = ACTION.exec(words)?.[1];
  const resource = RESOURCE.exec(words)?.[1];
  const found = {
    kind,
    action,
    principal: PRINCIPAL.exec(words)?.[1],
    secretArn: resource !== undefined && SECRET_ARN.test(resource) ? resource : undefined,
    policyArn: POLICY_ARN.exec(why)?.[0],
    keyArn: KEY_ARN.exec(words)?.[0],
  };
  return {
    ...known(found),
    explicit,
    unresolved: resource !== undefined && !resource.startsWith("arn:"),
    key: action?.startsWith("kms:") === true || /\bKMS\b|master key/.test(withoutNames(words)),
  };
}

/** Names may hold anything, `KMS` too. */
function withoutNames(words: string): string {
  return words.replaceAll(/\S*arn:\S+/g, "").replace(RESOURCE, "");
}

type Known<T> = { readonly [Key in keyof T]?: Exclude<T[Key], undefined> };

function known<T extends object>(value: T): Known<T> {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as Known<T>;
}
