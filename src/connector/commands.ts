import {
  type CommandDispatch,
  type CommandProgress,
  type CommandResult,
  parseCommand,
} from "../protocol/command-frames.ts";
import type { FrameOf } from "../protocol/frames.ts";
import { LIMITS, type Timings } from "../protocol/limits.ts";
import type { Report, StageResult } from "../protocol/report.ts";
import type { Clock } from "./clock.ts";
import type { Item, Problem } from "./item.ts";

type CommandType = "command.accepted" | "command.progress" | "command.result";
export type CommandEvent = {
  [T in CommandType]: { readonly type: T; readonly data: FrameOf<T>["data"] };
}[CommandType];

/** refresh: the outcome is stored and told as status. test: it is not. */
export type Asked = "refresh" | "test";
export type OnStage = (stage: StageResult) => void;

/** `since`: when it was asked for; no secret that was read before this tick will do. */
export interface Wished {
  readonly onStage: OnStage;
  readonly since: number;
}

export interface CommandsParts {
  readonly clock: Clock;
  readonly timings: Pick<Timings, "commandSpacingMs">;
  /** Puts an event into the outbox. */
  readonly tell: (event: CommandEvent) => void;
  readonly names: () => readonly string[];
  /** Looks at a configured integration now. Undefined where there is none of this name. */
  readonly look: (name: string, asked: Asked, how: Wished) => Promise<Report | undefined>;
  /** Looks at one that is not configured, and stores nothing. */
  readonly lookUnsaved: (item: Item, how: Wished & { readonly signal: AbortSignal }) => Promise<Report>;
  /** Judges one that is not configured, by the local policy, before anything is looked up. */
  readonly judgeUnsaved: (item: unknown) => Promise<Item | readonly Problem[]>;
}

/** Without a session's limits nothing runs longer than this. Milliseconds. */
const MOST_TIMEOUT_MS = 900_000;
/** Looks of one refresh of the whole connector at once. */
const AT_ONCE = 16;
/** All unsaved items share one turn: the control plane may name them as it likes. */
const UNSAVED = "(unsaved)";

interface Known {
  readonly at: number;
  /** Of one that is not concluded. */
  stop: AbortController | undefined;
  result: CommandResult | undefined;
}

type Answer = Pick<CommandResult, "outcome" | "reason" | "message" | "report" | "refreshed">;
const NOTHING = { reason: null, message: null, report: null, refreshed: null } as const;

/** Does what the control plane asks, each command once, and tells its result by the outbox. */
export class Commands {
  readonly #parts: CommandsParts;
  readonly #known = new Map<string, Known>();
  readonly #running = new Map<string, Promise<void>>();
  /** The turn of each integration and kind: when it may look again, monotonic milliseconds. */
  readonly #turns = new Map<string, { readonly free: number; readonly last: Promise<Report | undefined> }>();
  readonly #over = new AbortController();

  constructor(parts: CommandsParts) {
    this.#parts = parts;
  }

  /** A command came, perhaps not for the first time. */
  dispatch(dispatch: CommandDispatch): void {
    if (this.#over.signal.aborted) return;
    const { commandId, attempt } = dispatch;
    this.#forget();
    const known = this.#known.get(commandId);
    if (known?.result !== undefined) return this.#parts.tell({ type: "command.result", data: known.result });
    if (known !== undefined)
      return this.#parts.tell({ type: "command.accepted", data: { commandId, attempt } });
    const stop = new AbortController();
    const entry: Known = { at: this.#parts.clock.tick(), stop, result: undefined };
    this.#known.set(commandId, entry);
    const work = this.#workOf(dispatch, stop.signal);
    if (typeof work !== "function") return this.#conclude(commandId, entry, work);
    this.#parts.tell({ type: "command.accepted", data: { commandId, attempt } });
    const ran = this.#run(dispatch, stop, work)
      .then((answer) => this.#conclude(commandId, entry, answer))
      .finally(() => this.#running.delete(commandId));
    this.#running.set(commandId, ran);
  }

  /** The command is not wanted any more. What it began ends by itself; its result is `cancelled`. */
  cancel(commandId: string): void {
    this.#known.get(commandId)?.stop?.abort();
  }

  /** Takes nothing more and ends what runs. */
  async close(): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#running.values());
  }

  /** What is to be done, or why nothing is. */
  #workOf(dispatch: CommandDispatch, signal: AbortSignal): (() => Promise<Answer>) | Answer {
    const command = parseCommand(dispatch);
    if (command === "unsupported") {
      const message = `This connector does not know the command ${dispatch.kind.slice(0, 64)}.`;
      return { ...NOTHING, outcome: "unsupported", message };
    }
    if (command === "invalid")
      return failed("invalid", `The arguments of ${dispatch.kind} are not what it takes.`);
    if (this.#running.size >= LIMITS.commandsInFlight)
      return failed("too_soon", `At most ${LIMITS.commandsInFlight} commands run at once.`);
    const { commandId } = dispatch;
    if (command.kind === "refresh" && command.integration === null)
      return () => this.#refreshAll(commandId, signal);
    if ("item" in command) return () => this.#unsaved(commandId, command.item, signal);
    const asked: Asked = command.kind === "refresh" ? "refresh" : "test";
    const name = command.integration ?? "";
    if (!this.#parts.names().includes(name)) return notFound(name);
    const since = this.#parts.clock.tick();
    return async () => {
      const onStage = (stage: StageResult): void => this.#progress({ commandId, stage });
      const report = await this.#look(name, asked, { onStage, since });
      return report === undefined ? notFound(name) : { ...NOTHING, outcome: "succeeded", report };
    };
  }

  /** Judged before anything is looked up: what the local file does not allow is neither dialled nor read. */
  async #unsaved(commandId: string, raw: unknown, signal: AbortSignal): Promise<Answer> {
    const item = await this.#parts.judgeUnsaved(raw);
    if (!("type" in item)) {
      const text = item
        .map(({ path, text }) => `${path.replace(/^integrations\[0\]\.?/, "")}: ${text}`)
        .join("; ");
      return failed("config_invalid", text.slice(0, 1024));
    }
    const report = await this.#inTurn(UNSAVED, false, () =>
      this.#parts.lookUnsaved(item, {
        onStage: (stage) => this.#progress({ commandId, stage }),
        since: this.#parts.clock.tick(),
        signal,
      }),
    );
    return { ...NOTHING, outcome: "succeeded", report: report ?? null };
  }

  async #refreshAll(commandId: string, signal: AbortSignal): Promise<Answer> {
    const names = [...this.#parts.names()];
    const since = this.#parts.clock.tick();
    let refreshed = 0;
    const worker = async (): Promise<void> => {
      for (let name = names.shift(); name !== undefined && !signal.aborted; name = names.shift()) {
        const report = await this.#look(name, "refresh", { onStage: () => {}, since });
        const stage = report?.stages.at(-1);
        if (report !== undefined) refreshed += 1;
        if (stage !== undefined) this.#progress({ commandId, integration: name, stage });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return { ...NOTHING, outcome: "succeeded", refreshed };
  }

  #look(name: string, asked: Asked, how: Wished): Promise<Report | undefined> {
    return this.#inTurn(`${asked} ${name}`, true, () => this.#parts.look(name, asked, how));
  }

  /**
   * No nearer to the last one than the spacing: later is better than stale. Where looks are alike (`shared`),
   * whoever comes while one waits for its turn gets the report of that one.
   */
  #inTurn(
    key: string,
    shared: boolean,
    work: () => Promise<Report | undefined>,
  ): Promise<Report | undefined> {
    const { clock, timings } = this.#parts;
    const now = clock.tick();
    for (const [old, { free }] of this.#turns)
      if (free + timings.commandSpacingMs < now) this.#turns.delete(old);
    const turn = this.#turns.get(key);
    if (shared && turn !== undefined && turn.free > now + timings.commandSpacingMs) return turn.last;
    const begin = Math.max(now, turn?.free ?? now);
    const last = clock.sleep(begin - now, this.#over.signal).then(work);
    // The caller takes the error; this one only keeps it from being taken for lost.
    last.catch(() => {});
    this.#turns.set(key, { free: begin + timings.commandSpacingMs, last });
    return last;
  }

  async #run(
    { timeoutMs }: CommandDispatch,
    stop: AbortController,
    work: () => Promise<Answer>,
  ): Promise<Answer> {
    const { clock } = this.#parts;
    const done = new AbortController();
    const over = AbortSignal.any([this.#over.signal, stop.signal, done.signal]);
    const late = clock.sleep(Math.min(timeoutMs, MOST_TIMEOUT_MS), over).then((): Answer => {
      if (this.#over.signal.aborted) return failed("unknown", "The connector ended.");
      if (stop.signal.aborted) return { ...NOTHING, outcome: "cancelled" };
      return { ...NOTHING, outcome: "expired", message: "It took longer than it was given." };
    });
    const answer = await Promise.race([work().catch(broken), late]);
    done.abort();
    stop.abort();
    return answer;
  }

  #progress(data: CommandProgress): void {
    if (this.#known.get(data.commandId)?.result !== undefined) return;
    this.#parts.tell({ type: "command.progress", data });
  }

  #conclude(commandId: string, known: Known, answer: Answer): void {
    known.result = { commandId, ...answer };
    known.stop = undefined;
    this.#parts.tell({ type: "command.result", data: known.result });
  }

  /** Keeps the ledger inside its bounds. What still runs is never forgotten. */
  #forget(): void {
    const now = this.#parts.clock.tick();
    for (const [id, { at, result }] of this.#known) {
      const old = now - at > LIMITS.ledgerMs;
      if (!old && this.#known.size < LIMITS.ledgerCommands) return;
      if (result !== undefined) this.#known.delete(id);
    }
  }
}

function failed(reason: string, message: string): Answer {
  return { ...NOTHING, outcome: "failed", reason, message: message.slice(0, 1024) };
}

function notFound(name: string): Answer {
  return failed("not_found", `This connector has no integration ${name}.`);
}

/** A bug of ours: told as such, and the connector lives on. */
function broken(): Answer {
  return failed("unknown", "The look failed in a way that Mooring does not know.");
}
