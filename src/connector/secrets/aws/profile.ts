import { fromIni } from "@aws-sdk/credential-provider-ini";
import type { Evidence } from "../../../protocol/words.ts";
import { codeOf, Failure } from "../../failure.ts";
import { lastName } from "./arn.ts";
import type { FetchContext, IdentitySource, Keys } from "./identity.ts";
import { noIdentity } from "./rejected.ts";
import { accessCode, filesOf, sectionsOf, type SharedFiles } from "./shared-files.ts";
import type { SourceParts } from "./sources.ts";
import { claimsOf, webTold } from "./web-identity.ts";

/** A profile of the shared files, with whatever it refers to: another profile, a role, a token file, SSO, a program. */
export function profileSource(parts: SourceParts, profile: string): IdentitySource {
  const files = filesOf(parts.environment);
  const told = {
    identity: `the profile ${profile}`,
    profile,
    credentialsFile: files.filepath,
    configFile: files.configFilepath,
  };
  return { told, fetch: (context) => fetchProfile(parts, { profile, files, told }, context) };
}

interface Wanted {
  readonly profile: string;
  readonly files: SharedFiles;
  readonly told: Evidence;
}

async function fetchProfile(
  parts: SourceParts,
  { profile, files, told }: Wanted,
  context: FetchContext,
): Promise<Keys> {
  const { sts } = parts;
  const assumed = async (keys: Keys): Promise<Found> => foundOf(keys);
  const provider = fromIni({
    profile,
    ...files,
    ignoreCache: true,
    roleAssumer: async (base, { RoleArn, ExternalId, RoleSessionName }) => {
      const role = {
        ...told,
        assumed: RoleArn,
        awsRole: RoleArn,
        roleName: lastName(RoleArn),
        baseIdentity: `the source of ${profile}`,
        externalId: ExternalId ?? "",
        noExternalId: ExternalId === undefined ? "no external id" : "",
      };
      const wish = {
        roleArn: RoleArn,
        externalId: ExternalId,
        session: named(RoleSessionName),
        base,
        baseTold: told,
        told: role,
      };
      return assumed(await sts.withKeys(wish, context));
    },
    roleAssumerWithWebIdentity: async ({ RoleArn, RoleSessionName, WebIdentityToken }) => {
      const section = (await sectionsOf(parts.environment))[profile];
      const tokenFile = section?.["web_identity_token_file"] ?? "";
      const role = { ...webTold(RoleArn, tokenFile), ...told, ...claimsOf(WebIdentityToken) };
      const wish = { roleArn: RoleArn, session: named(RoleSessionName), token: WebIdentityToken, told: role };
      return assumed(await sts.withWebIdentity(wish, context));
    },
  });
  try {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await untilAborted(
      provider(),
      context.signal,
      told,
    );
    return { accessKeyId, secretAccessKey, sessionToken, endsAt: expiration?.getTime() };
  } catch (error) {
    throw error instanceof Failure ? error : await profileTrouble(parts, { profile, files, told }, error);
  }
}

interface Found {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

function foundOf({ accessKeyId, secretAccessKey, sessionToken, endsAt }: Keys): Found {
  return {
    accessKeyId,
    secretAccessKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
    ...(endsAt === undefined ? {} : { expiration: new Date(endsAt) }),
  };
}

/** The session's name, unless the SDK made it up. */
function named(session: string | undefined): string | undefined {
  return session?.startsWith("aws-sdk-js-") === true ? undefined : session;
}

/** A program of a profile, or a service that the SDK asks by itself, may take as long as it likes. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal, told: Evidence): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const leave = (): void => reject(noIdentity(told, "it gave no keys in time"));
  signal.addEventListener("abort", leave, { once: true });
  if (signal.aborted) leave();
  work.catch(() => {});
  promise.catch(() => {});
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}

/** Why a profile gives no keys. The SDK says it in words alone, which can repeat what a program printed. */
async function profileTrouble(
  { environment }: SourceParts,
  { profile, files, told }: Wanted,
  error: unknown,
): Promise<Failure> {
  const text = error instanceof Error ? error.message : "";
  for (const file of [files.filepath, files.configFilepath]) {
    const code = await accessCode(file);
    if (code !== undefined && code !== "ENOENT")
      return noIdentity({ ...told, missingFile: file }, `${file} cannot be read (${code})`);
  }
  const section = (await sectionsOf(environment))[profile];
  if (section === undefined)
    return noIdentity(
      { ...told, missingProfile: profile },
      `neither ${files.filepath} nor ${files.configFilepath} has a profile ${profile}`,
    );
  if (section["sso_session"] !== undefined || section["sso_start_url"] !== undefined)
    return noIdentity(
      { ...told, ssoProfile: profile },
      "its single sign-on session has ended or was never begun",
    );
  if (section["credential_process"] !== undefined)
    return noIdentity({ ...told, profileRun: profile }, "its credential_process failed");
  if (/multi-factor/.test(text))
    return noIdentity(told, "it asks for a second factor, which nobody can type here");
  const file = section["web_identity_token_file"];
  if (file !== undefined && codeOf(error) !== undefined)
    return noIdentity(
      { ...told, missingFile: file },
      `its token file ${file} cannot be read (${codeOf(error)})`,
    );
  return noIdentity({ ...told, profileRun: profile }, "it gives no keys");
}
