import type { Evidence } from "../../../protocol/words.ts";
import { Failure } from "../../failure.ts";
import { kmsTrouble } from "./kms.ts";
import { GLOBAL, mismatch, type SecretName } from "./name.ts";
import { consumerOf, type Status } from "./status.ts";

/** What was asked for when Google said no. */
export interface Asked {
  readonly name: SecretName;
  /** The right that it takes. */
  readonly permission: "secretmanager.versions.access" | "secretmanager.secrets.get";
  /** Who asked. */
  readonly who: Evidence;
  /** Whether it is known that there is such a secret: without the right Google does not say. */
  readonly exists: boolean;
}

const ROLES = {
  "secretmanager.versions.access": "roles/secretmanager.secretAccessor",
  "secretmanager.secrets.get": "roles/secretmanager.viewer",
} as const;

/**
 * A refusal as a failure, by its codes: google.rpc.Code, ErrorInfo's reason (google.api.ErrorReason) and its metadata.
 * Where Google tells kinds apart by words alone, the words choose the kind and are not kept.
 */
export function explain(status: Status, asked: Asked): Failure {
  const kms = kmsTrouble(status);
  if (kms !== undefined) return new Failure("secret", "secret_decrypt_forbidden", { ...asked.who, ...kms });
  // 403 and 400, as it comes: what is asked for is in a project that is not there.
  if (status.reason === "CONSUMER_INVALID" || status.reason === "RESOURCE_PROJECT_INVALID") {
    const missingProject = consumerOf(status) || asked.name.project;
    return new Failure("secret", "secret_not_found", { code: status.reason, missingProject });
  }
  switch (status.code) {
    case "NOT_FOUND":
      return new Failure("secret", "secret_not_found", absent(status, asked));
    case "PERMISSION_DENIED":
      return forbidden(status, asked);
    case "FAILED_PRECONDITION":
      return new Failure("secret", "secret_disabled", notEnabled(status, asked));
    case "INVALID_ARGUMENT":
      return misplaced(status, asked);
    default:
      return new Failure("secret", "unknown", { code: codeOf(status) });
  }
}

function codeOf({ reason, code }: Status): string {
  return reason === "" ? code : reason;
}

/** "Secret Version […] not found." and "Secret […] not found or has no versions.", as its API has them. */
function absent({ message }: Status, { name, exists, permission }: Asked): Evidence {
  const ofVersion = /^secret version \[/i.test(message);
  if (name.version !== "latest" && (ofVersion || exists)) return { missingVersion: name.version };
  if (exists || ofVersion) return { versionless: "no version yet" };
  // Reading the newest version, Google says the same of a secret without versions.
  const doubt = permission === "secretmanager.versions.access" && name.version === "latest";
  return { absentSecret: name.secretId, ...(doubt ? { orVersionless: "it has no version yet" } : {}) };
}

function forbidden(status: Status, asked: Asked): Failure {
  const { metadata } = status;
  const { name, who } = asked;
  const code = codeOf(status);
  const consumer = consumerOf(status) || name.project;
  const told = (evidence: Evidence): Failure =>
    new Failure("secret", "secret_forbidden", { ...who, code, ...evidence });
  switch (status.reason) {
    case "SERVICE_DISABLED":
      return told({ disabledService: serviceOf(metadata), consumer });
    case "BILLING_DISABLED":
      return told({ unbilledProject: consumer });
    case "CONSUMER_SUSPENDED":
      return told({ suspendedProject: consumer });
    case "USER_PROJECT_DENIED":
      return told({ quotaProject: consumer });
    case "SECURITY_POLICY_VIOLATED":
      return told(perimeter(status));
    default:
      return told(lacking(status, asked));
  }
}

function serviceOf({ service = "" }: Status["metadata"]): string {
  return /^[a-z0-9.-]+\.googleapis\.com$/.test(service) ? service : "secretmanager.googleapis.com";
}

/** The id by which the violation is found in the audit log is all that is told. */
function perimeter({ metadata, message }: Status): Evidence {
  const [, said] = /vpcServiceControlsUniqueIdentifier: ([\w-]{1,128})/.exec(message) ?? [];
  const { uid = said ?? "" } = metadata;
  const perimeter = "VPC Service Controls";
  if (!/^[\w-]{1,128}$/.test(uid)) return { perimeter };
  return {
    perimeter,
    violation: uid,
    violationFilter: `protoPayload.metadata.vpcServiceControlsUniqueId="${uid}"`,
  };
}

/** Without the right Google answers in the same way whether the secret is there or not: both are named then. */
function lacking({ metadata, message }: Status, { permission, exists }: Asked): Evidence {
  const [, said] = /^Permission '([\w.]{1,100})' denied/.exec(message) ?? [];
  const told = metadata["permission"] ?? said ?? permission;
  const right = /^[\w.]{1,100}$/.test(told) ? told : permission;
  const role = ROLES[permission];
  return exists ? { lacks: right, role } : { perhapsLacks: right, role };
}

const STATES: Readonly<Record<string, Evidence>> = {
  DISABLED: { disabledHow: "disabled" },
  DESTROYED: { disabledHow: "destroyed" },
};

/** "Secret Version […/versions/3] is in DISABLED state." */
function notEnabled({ message }: Status, { name }: Asked): Evidence {
  const [, state = ""] = /is in ([A-Z]+) state/.exec(message) ?? [];
  const [, number] = /\/versions\/(\d{1,10})\]/.exec(message) ?? [];
  return disabledEvidence(state, number ?? name.version);
}

/** Of a version that may not be read, by its state: ENABLED, DISABLED or DESTROYED. */
export function disabledEvidence(state: string, version: string): Evidence {
  const known = STATES[state] ?? { disabledHow: "disabled or destroyed" };
  const mend = state === "DISABLED" ? { disabledVersion: version } : {};
  return { version, ...known, ...mend };
}

/** "The provided Secret ID […] does not match the expected format [projects/…]": global and regional endpoints differ. */
function misplaced(status: Status, { name }: Asked): Failure {
  const [, format] = /does not match the expected format \[([^\]]+)\]/.exec(status.message) ?? [];
  const regional = format?.includes("/locations/");
  if (regional === undefined || regional === (name.location !== undefined))
    return new Failure("secret", "unknown", { code: codeOf(status) });
  return new Failure("secret", "secret_region_mismatch", mismatch(name, regional ? "one region" : GLOBAL));
}
