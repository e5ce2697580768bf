import type { Clock } from "../clock.ts";
import { type Access, type Environment, readAccess } from "./access.ts";
import { objectOf, refusalOf, refused } from "./answer.ts";
import { ApiFailure } from "./api-failure.ts";
import { Deadline } from "./deadline.ts";
import { Lanes } from "./lanes.ts";
import { type Answer, endpointOf, type Flow, Link, type LinkParts, type Wish } from "./link.ts";
import { Pause } from "./pause.ts";
import type { Resource } from "./resource.ts";

export interface CallsParts extends LinkParts {
  readonly clock: Clock;
  readonly environment: Environment;
  /** Told of every answer, for metrics. `status` 0: there was none. */
  readonly onAnswer?: (call: {
    readonly verb: string;
    readonly resource: string;
    readonly status: number;
  }) => void;
}

/** Every call ends with the signal, or after `timeoutMs` (10 s) without its answer. */
export interface CallOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

/** One call. `verb` as RBAC has it. */
export interface Ask extends Wish {
  readonly verb: string;
  readonly resource: string;
  /** It changes nothing: after a 5xx it may be sent again. */
  readonly harmless: boolean;
}

export const TIMEOUT_MS = 10_000;
/** So long a call waits where the API server asks for a pause; a longer one it tells. Milliseconds. */
const PATIENCE_MS = 3_000;
const MOST_TRIES = 3;
/** At once, watches aside: as many connections. */
const MOST_AT_ONCE = 4;

/** How calls are made: few at once, in time, by the login of the moment, and never where a pause was asked for. */
export class Calls {
  readonly #parts: CallsParts;
  readonly #link: Link;
  readonly #pause: Pause;
  readonly #lanes = new Lanes(MOST_AT_ONCE);
  #last: Access | undefined;

  constructor(parts: CallsParts) {
    this.#parts = parts;
    this.#link = new Link(parts);
    this.#pause = new Pause(parts.clock);
  }

  /** The object in the answer. */
  async object<T>(
    ask: Ask,
    shape: Resource<T>["shape"],
    { signal, timeoutMs = TIMEOUT_MS }: CallOptions,
  ): Promise<T> {
    using deadline = new Deadline(this.#parts.clock, signal, timeoutMs);
    const within = deadline.signal;
    const call = async (): Promise<T> => {
      const { answer, access } = await this.#answer(ask, within);
      return objectOf(answer.text, shape, access);
    };
    return await this.#inTime(within, () => this.#lanes.run(call, within));
  }

  /** An answer of lines, from its beginning. Not tried again: whoever watches begins anew anyway. */
  async flow(ask: Ask, signal: AbortSignal): Promise<{ readonly flow: Flow; readonly access: Access }> {
    return await this.#inTime(signal, async () => {
      await this.#rest(signal);
      const access = await this.access();
      const flow = await this.#told(ask, () => this.#link.flow(access, ask, signal));
      if (flow.status === 200) return { flow, access };
      const text = await shortText(flow.lines);
      throw refusalOf({ ...flow, text }, access, this.#pause.heed(flow));
    });
  }

  /** As the files say it now. */
  async access(): Promise<Access> {
    this.#last = await readAccess(this.#parts.environment);
    return this.#last;
  }

  async close(): Promise<void> {
    await this.#link.close();
  }

  async #answer(
    ask: Ask,
    signal: AbortSignal,
  ): Promise<{ readonly answer: Answer; readonly access: Access }> {
    let access = await this.access();
    for (let tries = 1; ; tries += 1) {
      await this.#rest(signal);
      const used = access;
      const answer = await this.#told(ask, () => this.#link.request(used, ask, signal));
      if (answer.status < 300) return { answer, access };
      const wait = this.#pause.heed(answer);
      const failure = refusalOf(answer, access, wait);
      if (tries === MOST_TRIES) throw failure;
      if (answer.status === 401) {
        // Perhaps it was renewed on disk just now.
        access = await this.access();
        if (access.token === used.token) throw failure;
      } else if (wait === undefined || wait > PATIENCE_MS || !(answer.status === 429 || ask.harmless))
        throw failure;
    }
  }

  async #told<T extends { readonly status: number }>(
    { verb, resource }: Ask,
    work: () => Promise<T>,
  ): Promise<T> {
    let status = 0;
    try {
      const answer = await work();
      status = answer.status;
      return answer;
    } finally {
      this.#parts.onAnswer?.({ verb, resource, status });
    }
  }

  /** Waits until the API server wants to be asked again; throws 429 where that is too long. */
  async #rest(signal: AbortSignal): Promise<void> {
    for (let left = this.#pause.left(); left > 0; left = this.#pause.left()) {
      if (left <= PATIENCE_MS) await this.#parts.clock.sleep(left, signal);
      if (left > PATIENCE_MS || signal.aborted)
        throw refused(this.#last, { status: 429, code: "", retryAfterMs: this.#pause.left() });
    }
  }

  /** What runs out of time before anything was sent is told like what was sent. */
  async #inTime<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ApiFailure || !signal.aborted) throw error;
      const endpoint = this.#last === undefined ? {} : { endpoint: endpointOf(this.#last) };
      throw new ApiFailure("timeout", endpoint, { cause: error });
    }
  }
}

/** A refusal is short: of what is longer the beginning must do. Characters. */
const MOST_REFUSAL = 64 * 1024;

async function shortText(lines: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const line of lines) {
    text += `${line}\n`;
    if (text.length > MOST_REFUSAL) break;
  }
  return text;
}
