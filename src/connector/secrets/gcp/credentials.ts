import { z } from "zod";
import type { Evidence } from "../../../protocol/words.ts";
import { readBoundedText, SMALL_FILE, UnfitFile } from "../../bounded-file.ts";
import { codeOf, type Failure } from "../../failure.ts";
import { refused } from "./identity.ts";

/** The kinds of credentials files that we take: https://google.aip.dev/auth/4110 and what it refers to. */
const serviceAccount = z.object({
  type: z.literal("service_account"),
  client_email: z.string().min(1),
  private_key: z.string().min(1),
  private_key_id: z.string().default(""),
  token_uri: z.string().default("https://oauth2.googleapis.com/token"),
});
const authorizedUser = z.object({
  type: z.literal("authorized_user"),
  client_id: z.string().min(1),
  client_secret: z.string().min(1),
  refresh_token: z.string().min(1),
  token_uri: z.string().default("https://oauth2.googleapis.com/token"),
  quota_project_id: z.string().optional(),
});
const externalAccount = z.object({
  type: z.literal("external_account"),
  audience: z.string().min(1),
  subject_token_type: z.string().min(1),
  token_url: z.string().default("https://sts.googleapis.com/v1/token"),
  service_account_impersonation_url: z.string().optional(),
  credential_source: z.object({
    file: z.string({ error: "must name a file: no other source of tokens is taken here" }),
    format: z
      .object({ type: z.enum(["text", "json"]), subject_token_field_name: z.string().default("") })
      .default({ type: "text", subject_token_field_name: "" }),
  }),
  quota_project_id: z.string().optional(),
});
const impersonated = z.object({
  type: z.literal("impersonated_service_account"),
  service_account_impersonation_url: z.string(),
  source_credentials: z.discriminatedUnion("type", [serviceAccount, authorizedUser]),
  delegates: z.array(z.string()).default([]),
  quota_project_id: z.string().optional(),
});
const credentials = z.discriminatedUnion("type", [
  serviceAccount,
  authorizedUser,
  externalAccount,
  impersonated,
]);

export type ServiceAccount = z.infer<typeof serviceAccount>;
export type AuthorizedUser = z.infer<typeof authorizedUser>;
export type ExternalAccount = z.infer<typeof externalAccount>;
export type Credentials = z.infer<typeof credentials>;

/** Reads it each time: a mounted file is renewed while we run. Never repeats what stands in it. */
export async function readCredentials(file: string): Promise<Credentials> {
  const text = await textOf(file, { credentialsFile: file });
  const wrong = (trouble: string): Failure =>
    refused({ credentialsFile: file, badFile: file, trouble: `the file ${file} ${trouble}` });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong("is not JSON");
  }
  const parsed = credentials.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const member = issue?.path.join(".") ?? "";
  if (issue === undefined || member === "" || member.endsWith("type"))
    throw wrong(`is of no kind that is taken: its type must be ${KINDS}`);
  throw wrong(`is not whole: its ${member} ${troubleOf(issue)}`);
}

const KINDS = "service_account, external_account, impersonated_service_account or authorized_user";

/** Without the value that stands there. */
function troubleOf(issue: z.core.$ZodIssue): string {
  if (issue.message.startsWith("must ")) return issue.message;
  return issue.message.endsWith("received undefined") ? "is missing" : "is not as it must be";
}

/** Throws store_identity_rejected with the evidence, and what is the matter with the file. */
export async function textOf(file: string, evidence: Evidence): Promise<string> {
  try {
    return await readBoundedText(file, SMALL_FILE);
  } catch (error) {
    const code = codeOf(error) ?? "";
    if (error instanceof UnfitFile) {
      const trouble = `the file ${file} cannot be taken: ${error.message}`;
      throw refused({ ...evidence, trouble, badFile: file }, error);
    }
    const absent = code === "ENOENT" || code === "ENOTDIR";
    const trouble = absent ? `there is no file ${file}` : `the file ${file} could not be read (${code})`;
    throw refused({ ...evidence, trouble, code, unreadFile: file }, error);
  }
}
