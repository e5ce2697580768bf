import type { StoreHttp } from "../../dial/store-http.ts";
import type { Clock } from "../../clock.ts";
import { accountOf, lastName } from "./arn.ts";
import { containerSource } from "./container.ts";
import type { IdentitySource } from "./identity.ts";
import { instanceSource } from "./instance.ts";
import { profileSource } from "./profile.ts";
import { noIdentity } from "./rejected.ts";
import { defaultProfileIsThere } from "./shared-files.ts";
import type { Sts } from "./sts.ts";
import { webIdentitySource } from "./web-identity.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface SourceParts {
  readonly environment: Environment;
  readonly clock: Clock;
  readonly sts: Sts;
  /** For the agent of the node or of the container: never through a proxy. */
  readonly near: StoreHttp;
  readonly profile: string | undefined;
  readonly roleArn: string | undefined;
  readonly externalId: string | undefined;
}

/** Where the keys of a store come from, in the order of AWS's own chain. Throws Failure where there is nothing. */
export async function chooseSource(parts: SourceParts, signal: AbortSignal): Promise<IdentitySource> {
  const base = await chooseBase(parts, signal);
  const { roleArn } = parts;
  return roleArn === undefined ? base : assumedSource(parts, roleArn, base);
}

async function chooseBase(parts: SourceParts, signal: AbortSignal): Promise<IdentitySource> {
  const { environment } = parts;
  const profile = parts.profile ?? environment["AWS_PROFILE"];
  if (profile !== undefined && profile !== "") return profileSource(parts, profile);
  return (
    environmentSource(environment) ??
    ((await defaultProfileIsThere(environment)) ? profileSource(parts, "default") : undefined) ??
    webIdentitySource(parts) ??
    containerSource(parts) ??
    (await instanceSource(parts, signal)) ??
    nothing(environment)
  );
}

/** Keys of the environment itself. Of the access key only its end is told. */
function environmentSource(environment: Environment): IdentitySource | undefined {
  const accessKeyId = environment["AWS_ACCESS_KEY_ID"]?.trim() ?? "";
  const secretAccessKey = environment["AWS_SECRET_ACCESS_KEY"]?.trim() ?? "";
  if (accessKeyId === "" || secretAccessKey === "") return undefined;
  const sessionToken = environment["AWS_SESSION_TOKEN"]?.trim();
  const endsAt = Date.parse(environment["AWS_CREDENTIAL_EXPIRATION"] ?? "");
  const keys = {
    accessKeyId,
    secretAccessKey,
    sessionToken: sessionToken === "" ? undefined : sessionToken,
    endsAt: Number.isNaN(endsAt) ? undefined : endsAt,
  };
  const identity = `the environment's access key ${endOf(accessKeyId)}`;
  return { told: { identity, keyVariable: "AWS_ACCESS_KEY_ID" }, fetch: () => Promise.resolve(keys) };
}

/** The end of an access key's id: enough to find it in IAM, too little to be one. */
export function endOf(accessKeyId: string): string {
  return accessKeyId.length < 8 ? "(too short to be one)" : `…${accessKeyId.slice(-4)}`;
}

/** A role that the base identity assumes. */
function assumedSource(parts: SourceParts, roleArn: string, base: IdentitySource): IdentitySource {
  const { externalId, environment } = parts;
  const told = {
    identity: `the role ${roleArn}`,
    awsRole: roleArn,
    roleName: lastName(roleArn),
    account: accountOf(roleArn),
    assumed: roleArn,
    baseIdentity: String(base.told["identity"]),
    externalId: externalId ?? "",
    noExternalId: externalId === undefined ? "no external id" : "",
  };
  return {
    told,
    fetch: async (context) => {
      const keys = await base.fetch(context);
      const session = environment["AWS_ROLE_SESSION_NAME"];
      return await parts.sts.withKeys(
        { roleArn, externalId, session, base: keys, baseTold: base.told, told },
        context,
      );
    },
  };
}

/** What may be given to a connector that has nothing. */
const WAYS = {
  eksWays: "an EKS Pod Identity association or the annotation eks.amazonaws.com/role-arn",
  keyVariables: "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
};

function nothing(environment: Environment): never {
  const pairs = [
    ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
    ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"],
  ] as const;
  const set = (name: string): boolean => (environment[name] ?? "") !== "";
  const half = pairs.find(([a, b]) => set(a) !== set(b));
  if (half !== undefined) {
    const [there, missing] = set(half[0]) ? half : half.toReversed();
    throw noIdentity({ missingVariable: missing ?? "" }, `${there} is set and ${missing} is not`);
  }
  const disabled = environment["AWS_EC2_METADATA_DISABLED"]?.toLowerCase() === "true";
  const last = disabled
    ? "the instance metadata service is switched off by AWS_EC2_METADATA_DISABLED"
    : "no instance metadata service gave any";
  throw noIdentity(
    WAYS,
    `neither environment nor profile, token file or container agent give it keys, and ${last}`,
  );
}
