import type { DescribeSecretResponse } from "@aws-sdk/client-secrets-manager";
import type { Evidence } from "../../../protocol/words.ts";
import { Failure } from "../../failure.ts";
import { accountOf, arnOf, lastName } from "./arn.ts";
import { type Denial, denialOf, type PolicyKind } from "./denial.ts";
import { type Asked, type Look, quietly } from "./asked.ts";
import { regionThatHas } from "./elsewhere.ts";
import { isTagged } from "./gate.ts";
import type { AwsTrouble } from "./trouble.ts";

const KIND_WORDS: Readonly<Record<PolicyKind, string>> = {
  identity: "identity-based policy",
  resource: "resource policy of the secret",
  serviceControl: "service control policy of the organization",
  resourceControl: "resource control policy of the organization",
  session: "session policy",
  boundary: "permissions boundary",
  endpoint: "VPC endpoint policy",
};

/** The kind as its code in the evidence, such as `service_control_policy`. */
const KIND_CODES: Readonly<Record<PolicyKind, string>> = {
  identity: "identity_policy",
  resource: "resource_policy",
  serviceControl: "service_control_policy",
  resourceControl: "resource_control_policy",
  session: "session_policy",
  boundary: "permissions_boundary",
  endpoint: "vpc_endpoint_policy",
};

/**
 * What may not be read. A missing tag under a tag condition looks to AWS like a missing right: where the secret may be
 * described its tags decide; where not, both are named, the right first.
 */
export async function explainDenial(trouble: AwsTrouble, asked: Asked, look: Look): Promise<Failure> {
  const denial = denialOf(trouble.words());
  if (denial.key) return await explainKey(trouble, asked, look);
  const described = asked.operation === "DescribeSecret" ? undefined : await describe(asked, look);
  const evidence = { ...look.known, ...factsOf(denial, asked), secretArn: arnIn(denial, asked, described) };
  const byIdentity = denial.kind === undefined || denial.kind === "identity";
  const action = evidence.action;
  if (asked.operation === "DescribeSecret")
    return new Failure("secret", "secret_forbidden", { ...evidence, gateAction: action }, trouble);
  const [gateKey = ""] = asked.gateKeys;
  if (described !== undefined && byIdentity && !isTagged(described.Tags ?? [], asked.gateKeys)) {
    const gate = { gate: "tag", gateKey, deniedAction: action };
    return new Failure("secret", "secret_not_tagged", { ...evidence, ...gate }, trouble);
  }
  if (denial.unresolved) {
    const elsewhere = await regionThatHas(asked, look);
    if (elsewhere !== undefined)
      return new Failure(
        "secret",
        "secret_region_mismatch",
        { ...look.known, actualRegion: elsewhere },
        trouble,
      );
  }
  const both = described === undefined && byIdentity ? { maybeTag: gateKey } : {};
  const unresolved =
    denial.unresolved && arnOf(asked.reference.id) === undefined ? { maybeMissing: asked.reference.id } : {};
  return new Failure("secret", "secret_forbidden", { ...evidence, ...both, ...unresolved }, trouble);
}

/** The key that the secret is encrypted with may not be used, or is in no state to be. */
export async function explainKey(trouble: AwsTrouble, asked: Asked, look: Look): Promise<Failure> {
  const denial = denialOf(trouble.words());
  const described = await describe(asked, look);
  const keyId = denial.keyArn ?? described?.KmsKeyId;
  const kmsKey = keyId !== undefined && KEY_ID.test(keyId) ? keyId : "";
  const kmsKeyPolicy = kmsKey.includes("alias/") ? "" : kmsKey;
  const secretArn = arnIn(denial, asked, described);
  const broken = trouble.code === "AccessDeniedException" ? {} : { keyTrouble: trouble.code };
  const evidence = {
    ...look.known,
    ...factsOf(denial, asked),
    ...keyDenial(denial),
    action: "kms:Decrypt",
    kmsKey,
    kmsKeyPolicy,
    secretArn,
    ...broken,
  };
  return new Failure("secret", "secret_decrypt_forbidden", evidence, trouble);
}

/** What a kind of policy is to a key. */
function keyDenial({ kind, explicit }: Denial): Evidence {
  if (kind !== "resource") return {};
  return {
    deniedHow: explicit
      ? "an explicit deny in the key's own policy forbids it"
      : "the key's own policy does not allow it",
  };
}

const KEY_ID = /^(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)\/)?[A-Za-z0-9/_-]{1,256}$/;

function factsOf(denial: Denial, { operation, identity }: Asked): Evidence & { action: string } {
  const { kind, explicit, principal = "", policyArn = "" } = denial;
  const action = denial.action ?? `secretsmanager:${operation}`;
  const role = roleOf(principal, identity);
  return {
    action,
    ...(principal === "" ? {} : { identity: principal, account: accountOf(principal) }),
    ...(role === "" ? {} : { awsRole: role, roleName: lastName(role) }),
    policyArn,
    // The one whose policies are meant: the role, not its session.
    who: role || principal || String(identity["identity"] ?? ""),
    ...(kind === undefined ? {} : kindFacts(kind, explicit, action)),
  };
}

/** The kind as a code, in words, and as the name by which the steps for it are chosen. */
function kindFacts(kind: PolicyKind, explicit: boolean, action: string): Evidence {
  const words = KIND_WORDS[kind];
  return {
    policyKind: KIND_CODES[kind],
    denial: explicit ? "explicit" : "implicit",
    deniedHow: explicit
      ? `an explicit deny in ${words.startsWith("i") ? "an" : "a"} ${words} forbids it`
      : `no ${words} allows it`,
    [`${explicit ? "forbiddenBy" : "missingIn"}${kind[0]?.toUpperCase()}${kind.slice(1)}`]: action,
  };
}

/** The role behind a session: as it was configured where that is the one, for its path is not in the session's ARN. */
function roleOf(principal: string, identity: Evidence): string {
  const configured = String(identity["awsRole"] ?? "");
  if (principal === "") return configured;
  if (/:(user|role)\//.test(principal)) return principal;
  const [, partition = "", account = "", name = ""] =
    /^arn:(aws[a-z-]*):sts::(\d{12}):assumed-role\/([\w+=,.@-]+)\//.exec(principal) ?? [];
  if (name === "") return "";
  return lastName(configured) === name ? configured : `arn:${partition}:iam::${account}:role/${name}`;
}

function arnIn(
  { secretArn }: Denial,
  { reference }: Asked,
  described: DescribeSecretResponse | undefined,
): string {
  const own = arnOf(reference.id) === undefined ? "" : reference.id;
  return secretArn ?? described?.ARN ?? own;
}

function describe(asked: Asked, { ask, signal }: Look): Promise<DescribeSecretResponse | undefined> {
  return asked.description === undefined
    ? quietly(ask.describe(asked.region, signal))
    : Promise.resolve(asked.description);
}
