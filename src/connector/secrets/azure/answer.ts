import { z } from "zod";
import { endpoint } from "../../dial/address.ts";
import type { StoreAnswer } from "../../dial/store-http.ts";
import { toldWait } from "../../dial/told-wait.ts";
import { Failure } from "../../failure.ts";

/** Host and port, for people. */
export function placeOf({ hostname, port, protocol }: URL): string {
  const usual = protocol === "https:" ? 443 : 80;
  return endpoint(hostname.replace(/^\[|\]$/g, ""), Number(port) || usual);
}

/** A JSON object, or undefined where it is none. The parser's own error repeats what it read. */
export function objectOf({ body }: StoreAnswer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Seconds since the epoch, as its author set them; undefined for what is no time that a Date can have. */
export const unixTime = z.number().min(0).max(8.64e12).optional().catch(undefined);

const codeText = z.string().regex(/^[A-Za-z0-9_]{1,64}$/);

const inner = z.object({ code: codeText });
const errorBody = z.object({
  error: z.object({
    code: codeText,
    message: z.string().default(""),
    innererror: inner.optional(),
    innerError: inner.optional(),
  }),
});

/** Key Vault's refusal: its codes; its words tell cases apart and are never shown. */
export interface Refusal {
  readonly status: number;
  /** The inner code where there is one: it says more. */
  readonly code: string;
  readonly words: string;
}

/** https://learn.microsoft.com/azure/key-vault/general/rest-error-codes; undefined for what Key Vault does not send. */
export function refusalOf(answer: StoreAnswer): Refusal | undefined {
  const parsed = errorBody.safeParse(objectOf(answer));
  if (!parsed.success) return undefined;
  const { code, message, innererror, innerError } = parsed.data.error;
  return { status: answer.status, code: (innererror ?? innerError)?.code ?? code, words: message };
}

/** What does not depend on what was asked: throttled, or the server's own failure. */
export function outage(url: URL, answer: StoreAnswer): Failure | undefined {
  const { status } = answer;
  const at = placeOf(url);
  if (status === 429)
    return new Failure("secret", "store_rate_limited", { endpoint: at, code: "429", ...toldWait(answer) });
  if (status >= 500) return new Failure("secret", "store_unreachable", { endpoint: at, status });
  return undefined;
}

/** Something answered that is not what should be there. */
export function stranger(url: URL, status: number, what: string): Failure {
  const trouble = `what answers there (${status}) is not ${what}`;
  const evidence = { endpoint: placeOf(url), trouble, dialReason: "protocol_mismatch", stranger: status };
  return new Failure("secret", "store_unreachable", evidence);
}
