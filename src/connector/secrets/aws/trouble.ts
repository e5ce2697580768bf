import { Failure } from "../../failure.ts";
import type { Answered, StoreHandler } from "./handler.ts";

/**
 * What AWS answered instead of what was asked for. Its own words can hold tokens and names: they are there to be
 * parsed, and no log and no printer gets at them.
 */
export class AwsTrouble extends Error {
  override readonly name = "AwsTrouble";
  /** AWS's code, such as `AccessDeniedException`; empty where it gave none. */
  readonly code: string;
  /** HTTP status; 0 where there is none. */
  readonly status: number;
  readonly endpoint: string;
  readonly requestId: string;
  readonly #said: string;
  readonly #answered: Answered | undefined;

  constructor(code: string, said: string, answered: Answered | undefined) {
    super(`AWS answered ${code || "without a code"}`);
    this.code = code;
    this.status = answered?.status ?? 0;
    this.endpoint = answered?.endpoint ?? "";
    this.requestId = idOf(answered?.headers ?? {});
    this.#said = said;
    this.#answered = answered;
  }

  /** AWS's own words. For parsers alone. */
  words(): string {
    return this.#said;
  }

  header(name: string): string | undefined {
    return this.#answered?.headers?.[name];
  }

  /** When the answer was there, by our clock, epoch milliseconds. */
  get at(): number | undefined {
    return this.#answered?.at;
  }
}

function idOf(headers: Readonly<Record<string, string>>): string {
  const id = headers["x-amzn-requestid"] ?? headers["x-amz-request-id"] ?? "";
  return /^[\w-]{1,64}$/.test(id) ? id : "";
}

/**
 * One call of an SDK client that sends by this handler. Throws AwsTrouble where AWS answered something else, and
 * Failure where it did not answer, or not as AWS does.
 */
export async function call<T>(
  handler: StoreHandler,
  signal: AbortSignal,
  send: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const own = AbortSignal.any([signal]);
  try {
    return await send(own);
  } catch (error) {
    if (error instanceof Failure) throw error;
    const answered = handler.answerTo(own);
    throw signal.aborted ? lateFailure(answered) : troubleOf(error, answered);
  }
}

function lateFailure(answered: Answered | undefined): Failure {
  return new Failure(
    "secret",
    "store_timeout",
    answered === undefined ? {} : { endpoint: answered.endpoint },
  );
}

/** What the SDK calls an answer in which it finds no code. */
const NO_CODES = new Set(["Error", "Unknown", "UnknownError"]);

/** The SDK's own error is dropped: hidden members of it hold the whole answer. */
function troubleOf(error: unknown, answered: Answered | undefined): Error {
  const { name = "", message = "", $fault } = error as Partial<Record<"name" | "message" | "$fault", string>>;
  const code = /^[A-Za-z][A-Za-z0-9_.]{2,80}$/.test(name) && !NO_CODES.has(name) ? name : "";
  if ($fault !== undefined && code !== "") return new AwsTrouble(code, message, answered);
  const status = answered?.status;
  if (status === undefined)
    return new Failure("secret", "unknown", { code: "AWS_SDK" }, new Error(`the SDK: ${code}`));
  if (status >= 300) return new AwsTrouble("", "", answered);
  const trouble = "it did not answer as AWS does";
  const evidence = { endpoint: answered?.endpoint ?? "", dialReason: "protocol_mismatch", trouble };
  return new Failure("secret", "store_unreachable", evidence);
}
