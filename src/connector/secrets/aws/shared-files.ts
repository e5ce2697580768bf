import { access, constants } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { codeOf } from "../../failure.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The shared files, as the environment names them. */
export interface SharedFiles {
  readonly filepath: string;
  readonly configFilepath: string;
}

export function filesOf(environment: Environment): SharedFiles {
  const folder = join(environment["HOME"] || homedir(), ".aws");
  return {
    filepath: environment["AWS_SHARED_CREDENTIALS_FILE"] || join(folder, "credentials"),
    configFilepath: environment["AWS_CONFIG_FILE"] || join(folder, "config"),
  };
}

/** Whether the shared files hold a default profile that gives keys. What it does is not tried. */
export async function defaultProfileIsThere(environment: Environment): Promise<boolean> {
  const sections = await sectionsOf(environment);
  return Object.keys(sections["default"] ?? {}).some((key) => GIVES_KEYS.has(key));
}

const GIVES_KEYS = new Set([
  "aws_access_key_id",
  "role_arn",
  "credential_process",
  "sso_session",
  "sso_start_url",
  "web_identity_token_file",
  "login_session",
]);

/** The region that a profile names. */
export async function profileRegion(
  environment: Environment,
  profile: string | undefined,
): Promise<string | undefined> {
  const sections = await sectionsOf(environment);
  return sections[profile ?? environment["AWS_PROFILE"] ?? "default"]?.["region"];
}

type Sections = Readonly<Record<string, Readonly<Record<string, string | undefined>>>>;

/** Every profile by its name, with what both files say of it. */
export async function sectionsOf(environment: Environment): Promise<Sections> {
  const { loadSharedConfigFiles } = await import("@smithy/core/config");
  const files = { ...filesOf(environment), ignoreCache: true };
  const { configFile, credentialsFile } = await loadSharedConfigFiles(files);
  const names = new Set([...Object.keys(configFile), ...Object.keys(credentialsFile)]);
  const pairs = [...names].map((name) => [name, { ...configFile[name], ...credentialsFile[name] }] as const);
  return Object.fromEntries(pairs);
}

/** Why a file cannot be read, as the system's code; undefined where it can. */
export async function accessCode(file: string): Promise<string | undefined> {
  try {
    await access(file, constants.R_OK);
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}
