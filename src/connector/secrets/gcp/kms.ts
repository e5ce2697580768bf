import type { Evidence } from "../../../protocol/words.ts";
import type { Status } from "./status.ts";

const KEY =
  /projects\/([a-z0-9.:-]+)\/locations\/([a-z0-9-]+)\/keyRings\/([\w-]+)\/cryptoKeys\/([\w-]+)(?:\/cryptoKeyVersions\/(\d+))?/;

/** Parts of a key's name as evidence; {} for what is none. */
export function keyEvidence(text: string): Evidence {
  const [kmsKey, keyProject = "", keyLocation = "", keyRing = "", keyName = "", keyVersion = ""] =
    KEY.exec(text) ?? [];
  if (kmsKey === undefined) return {};
  return { kmsKey, keyProject, keyLocation, keyRing, keyName, keyVersion };
}

/**
 * A refusal that is Cloud KMS's, of a secret with a key of the customer's own: Secret Manager passes on that the key is
 * not enabled ("… is not enabled, current state is: DISABLED"), or that its own service agent may not use it.
 * Undefined for any other.
 */
export function kmsTrouble({ code, metadata, message }: Status): Evidence | undefined {
  const permission = metadata["permission"] ?? /Permission '([\w.]+)' denied/.exec(message)?.[1] ?? "";
  const key = keyEvidence(`${metadata["resource"] ?? ""} ${message}`);
  if (code === "PERMISSION_DENIED" && permission.startsWith("cloudkms.")) {
    return { ...key, keyRight: /^[\w.]{1,100}$/.test(permission) ? permission : "cloudkms" };
  }
  if (code !== "FAILED_PRECONDITION" || !/cryptoKey|Cloud KMS|KMS key/i.test(message)) return undefined;
  const [, state = ""] = /current state is: ([A-Z_]{1,40})/.exec(message) ?? [];
  const disabled = state === "DISABLED" ? { disabledKeyVersion: key["keyVersion"] ?? "" } : {};
  const how = state === "" ? "not enabled" : state.toLowerCase().replaceAll("_", " ");
  return { ...key, keyState: how, ...disabled };
}
