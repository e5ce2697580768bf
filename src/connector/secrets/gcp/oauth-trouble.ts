import type { Evidence } from "../../../protocol/words.ts";
import type { StoreAnswer } from "../../dial/store-http.ts";
import { textsOf } from "./identity.ts";

/** What one way of refusing a token means. */
export interface OAuthTrouble {
  /** OAuth's own code, or any. */
  readonly error?: string;
  /** What the description says, or anything. It tells kinds apart and is never shown. */
  readonly says?: RegExp;
  /** In our own words. */
  readonly trouble: string;
  /** The evidence that chooses the steps to mend it. */
  readonly mend?: Evidence;
}

/** What a token endpoint's refusal means (RFC 6749, 5.2): the first of the kinds that fits. */
export function oauthTrouble(answer: StoreAnswer, kinds: readonly OAuthTrouble[]): Evidence {
  const { error = "", error_description: said = "" } = textsOf(answer);
  const code = /^[a-z_]{1,64}$/.test(error) ? error : String(answer.status);
  const kind = kinds.find(
    (one) => (one.error === undefined || one.error === error) && (one.says?.test(said) ?? true),
  );
  if (kind === undefined) return { trouble: `its request for a token was refused (${code})`, code };
  return { trouble: `${kind.trouble} (${code})`, code, ...kind.mend };
}
