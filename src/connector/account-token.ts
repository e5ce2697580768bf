import { readBoundedText, UnfitFile } from "./bounded-file.ts";
import { codeOf } from "./failure.ts";
import { factsOfToken, type TokenFacts } from "./kubernetes/token.ts";
import { Refusal } from "./refusal.ts";

/** What fits into an enrolment. */
const MOST_CHARACTERS = 4096;

export interface AccountToken {
  readonly token: string;
  readonly facts: TokenFacts;
}

/**
 * The projected token of a ServiceAccount, as it is now: the kubelet replaces it. Rejects with a Refusal that names the
 * file, never what is in it.
 */
export async function readAccountToken(file: string): Promise<AccountToken> {
  const says = (what: string): Refusal =>
    new Refusal("account_token_unreadable", `The ServiceAccount token file ${file} ${what}.`);
  const text = await readBoundedText(file, { mostBytes: 64 * 1024, regular: true }).catch(
    (error: unknown) => {
      throw says(
        error instanceof UnfitFile
          ? `holds no token: ${error.message}`
          : `cannot be read (${codeOf(error) ?? "unknown"}): project a token for the control plane to it`,
      );
    },
  );
  const token = text.trim();
  if (token === "") throw says("is empty");
  const facts = token.split(".").length === 3 ? factsOfToken(token) : undefined;
  if (facts?.account === undefined || token.length > MOST_CHARACTERS)
    throw says("holds no token of a ServiceAccount");
  return { token, facts };
}
