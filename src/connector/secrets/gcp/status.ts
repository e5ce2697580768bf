import { z } from "zod";
import type { StoreAnswer } from "../../dial/store-http.ts";
import { durationWords } from "../../duration.ts";
import { Failure } from "../../failure.ts";

/**
 * Why Google said no: google.rpc.Status with the details that we use, as its APIs write it in JSON.
 * https://cloud.google.com/apis/design/errors
 */
export interface Status {
  readonly http: number;
  /** google.rpc.Code: `PERMISSION_DENIED`. */
  readonly code: string;
  /** ErrorInfo's reason: `SERVICE_DISABLED`; empty where there is none. */
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Google's own prose: to tell kinds apart, never to be shown. */
  readonly message: string;
  /** RetryInfo, or the header Retry-After. */
  readonly retryMs?: number;
}

const body = z.object({
  error: z.object({
    status: z.string().regex(/^[A-Z_]{1,64}$/),
    message: z.string().default(""),
    details: z.array(z.record(z.string(), z.unknown())).default([]),
  }),
});
const errorInfo = z.object({
  reason: z.string().regex(/^[A-Z][A-Z0-9_]{0,62}$/),
  metadata: z.record(z.string(), z.string()).default({}),
});
const retryInfo = z.object({ retryDelay: z.string().regex(/^\d{1,6}(\.\d+)?s$/) });

/** Undefined where the body is not Google's: somebody else answers at that address. */
export function statusOf(answer: StoreAnswer): Status | undefined {
  const parsed = body.safeParse(jsonOf(answer.body));
  if (!parsed.success) return undefined;
  const { status: code, message, details } = parsed.data.error;
  const info = errorInfo.safeParse(detail(details, "ErrorInfo")).data;
  const retryMs = delayOf(detail(details, "RetryInfo"), answer);
  return {
    http: answer.status,
    code,
    reason: info?.reason ?? "",
    metadata: info?.metadata ?? {},
    message,
    ...(retryMs === undefined ? {} : { retryMs }),
  };
}

/** Secret Manager, or what gives us tokens, takes no more requests. */
export function limited(answer: StoreAnswer): Failure {
  const { reason = "", code = "429" } = statusOf(answer) ?? {};
  const retryMs = statusOf(answer)?.retryMs ?? delayOf(undefined, answer);
  const wait = retryMs === undefined ? {} : { retryAfterMs: retryMs, retryAfter: durationWords(retryMs) };
  return new Failure("secret", "store_rate_limited", { code: reason === "" ? code : reason, ...wait });
}

/** What a body says in JSON; undefined where it is none. */
export function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined; // The parser's message would repeat what it read.
  }
}

function detail(details: readonly Readonly<Record<string, unknown>>[], type: string): unknown {
  return details.find((one) => one["@type"] === `type.googleapis.com/google.rpc.${type}`);
}

function delayOf(detail: unknown, { headers }: StoreAnswer): number | undefined {
  const told = retryInfo.safeParse(detail).data?.retryDelay.slice(0, -1) ?? headers["retry-after"];
  return told !== undefined && /^\d{1,6}(\.\d+)?$/.test(told) ? Math.ceil(Number(told) * 1000) : undefined;
}

/** The project that an ErrorInfo is about; empty where it does not say. */
export function consumerOf({ metadata }: Status): string {
  return /^projects\/([a-z0-9.:-]+)$/.exec(metadata["consumer"] ?? "")?.[1] ?? "";
}
