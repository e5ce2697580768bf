import type { Evidence } from "../../../protocol/words.ts";
import { readBoundedText, SMALL_FILE } from "../../bounded-file.ts";
import { accountOf, lastName } from "./arn.ts";
import type { IdentitySource } from "./identity.ts";
import { fileTrouble, noIdentity } from "./rejected.ts";
import type { SourceParts } from "./sources.ts";

/** A role for the pod's service account (IRSA): the token that the kubelet mounts against the role's keys. */
export function webIdentitySource(parts: SourceParts): IdentitySource | undefined {
  const { environment } = parts;
  const tokenFile = environment["AWS_WEB_IDENTITY_TOKEN_FILE"] ?? "";
  const roleArn = environment["AWS_ROLE_ARN"] ?? "";
  if (tokenFile === "" || roleArn === "") return undefined;
  const told = webTold(roleArn, tokenFile);
  return {
    told,
    fetch: async (context) => {
      const token = await readToken(tokenFile, told);
      const session = environment["AWS_ROLE_SESSION_NAME"];
      const wish = { roleArn, session, token, told: { ...told, ...claimsOf(token) } };
      return await parts.sts.withWebIdentity(wish, context);
    },
  };
}

export function webTold(roleArn: string, tokenFile: string): Evidence {
  return {
    identity: `the role ${roleArn}`,
    awsRole: roleArn,
    roleName: lastName(roleArn),
    account: accountOf(roleArn),
    tokenFile,
  };
}

async function readToken(file: string, told: Evidence): Promise<string> {
  let text: string;
  try {
    text = (await readBoundedText(file, SMALL_FILE)).trim();
  } catch (error) {
    throw noIdentity({ ...told, missingFile: file }, fileTrouble(error, "its token file", file), error);
  }
  if (text === "") throw noIdentity({ ...told, missingFile: file }, `its token file ${file} is empty`);
  return text;
}

const SUBJECT = /^system:serviceaccount:([a-z0-9.-]{1,63}):([a-z0-9.-]{1,253})$/;
const ISSUER = /^https:\/\/([a-z0-9.-]{1,253}(?::\d{1,5})?(?:\/[\w./-]{0,200})?)$/i;
const AUDIENCE = /^[\w.:/-]{1,200}$/;

/** Whom the token names and who gave it: what the role's trust policy must say. The token itself is not told. */
export function claimsOf(token: string): Evidence {
  let claims: Record<string, unknown>;
  try {
    claims = JSON.parse(
      Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"),
    ) as typeof claims;
  } catch {
    return {}; // Not a JWT: AWS says so itself.
  }
  if (typeof claims !== "object" || claims === null) return {};
  const { sub, iss, aud } = claims;
  const [, serviceAccountNamespace = "", serviceAccount = ""] =
    SUBJECT.exec(typeof sub === "string" ? sub : "") ?? [];
  const [, issuer = ""] = ISSUER.exec(typeof iss === "string" ? iss : "") ?? [];
  const first: unknown = Array.isArray(aud) ? aud[0] : aud;
  return {
    subject:
      serviceAccount === "" ? "" : `system:serviceaccount:${serviceAccountNamespace}:${serviceAccount}`,
    serviceAccount,
    serviceAccountNamespace,
    issuer,
    audience: typeof first === "string" && AUDIENCE.test(first) ? first : "",
  };
}
