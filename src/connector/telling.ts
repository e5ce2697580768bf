import type { SecretItem } from "../protocol/secret-frames.ts";
import type { SourceProblem } from "./crd/trouble.ts";
import type { Problem } from "./item.ts";
import type { Item } from "./item.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { Notice, SessionEnd } from "./session.ts";
import type { LinkState } from "./sessions.ts";
import type { Change } from "./status.ts";

/** Clocks that differ by more than this are told. Milliseconds. */
const SKEW_MS = 30_000;

/** What happened, in words for the log and in numbers for the metrics: transitions, and nothing twice. */
export class Telling {
  readonly #log: Log;
  readonly #metrics: Metrics;
  /** The word of the last trouble of the link. */
  #trouble: string | undefined;
  /** What was told of each secret, by its id. */
  readonly #secrets = new Map<string, string>();

  constructor(log: Log, metrics: Metrics) {
    this.#log = log;
    this.#metrics = metrics;
  }

  changed(item: Item, { report, previous, sightsOnly = false }: Change): void {
    if (sightsOnly) return;
    const { state, condition, stage, reason, message, cause } = report;
    const words = cause === null ? message : `${message} ${cause}`;
    const known = { integration: item.name, type: item.type.type, state, condition, stage, reason };
    this.#log[state === "error" ? "warn" : "info"](words, { ...known, previous: previous?.state ?? null });
  }

  /** A secret's state; the same one is told once. */
  secretChanged({ id, store, name, state, condition, stage, reason, message, cause }: SecretItem): void {
    const codes = JSON.stringify([state, condition, stage, reason]);
    const before = this.#secrets.get(id);
    this.#secrets.set(id, codes);
    if (before === codes || state === "unknown") return;
    if (before === undefined && state === "online") return;
    const words = cause === null ? message : `${message} ${cause}`;
    this.#log[state === "error" ? "warn" : "info"](words, {
      secret: name,
      store,
      state,
      condition,
      stage,
      reason,
    });
  }

  /** What cannot be done with Integration resources, and that it can be done again. */
  resourceProblem({ doing, namespace, text }: SourceProblem): void {
    const known = { doing, namespace };
    if (text === null) this.#log.info("Integration resources are well again.", known);
    else this.#log.warn(text, known);
  }

  reloaded(integrations: number): void {
    this.#log.info("The configuration was read anew.", { integrations });
  }

  /** The file can be read again; whether anything in it is new is told by itself. */
  validAgain(): void {
    this.#log.info("The configuration is valid again.");
  }

  /** A reload that was refused. Gives it in one line. */
  refused(problems: readonly [Problem, ...Problem[]], at: number): string {
    const [{ file, line, column, path, text }] = problems;
    this.#metrics.reloaded("file", false, at);
    const says = "The configuration is not valid any more; the last good one stays in use.";
    this.#log.error(says, { reason: "config_invalid", problems: problems.slice(0, 20) });
    return `${file}:${line}:${column}: ${path}: ${text}`.slice(0, 1024);
  }

  linked(state: LinkState): void {
    if (state.state === "ready") this.#ready(state.name, state.offsetMs);
    if (state.state !== "waiting" && state.state !== "stopped") return;
    this.#metrics.attempted(state.word);
    if (this.#trouble === state.word) return;
    this.#trouble = state.word;
    this.#log.warn(state.says, { reason: state.word, retryAt: new Date(state.retryAt).toISOString() });
  }

  ended({ why, code }: SessionEnd): void {
    this.#metrics.disconnected(why === "closed" ? String(code) : why);
  }

  noticed(notice: Exclude<Notice, { kind: "ready" }>, at: number): void {
    switch (notice.kind) {
      case "answered":
        return this.#metrics.answered(notice.rttMs, at);
      case "rejected": {
        const { code, refId } = notice;
        this.#metrics.rejected();
        return this.#log.warn("The control plane could not take an event.", { code, event: refId });
      }
      case "strange":
        this.#metrics.strange();
        return this.#log.debug("A frame of the control plane was ignored.", { what: notice.what });
    }
  }

  #ready(connector: string, offsetMs: number): void {
    this.#trouble = undefined;
    this.#metrics.attempted("ready");
    this.#log.info(`The session with the control plane is ready: this is connector ${connector}.`, {
      connector,
    });
    if (Math.abs(offsetMs) <= SKEW_MS) return;
    const says = "The connector's clock and the control plane's differ.";
    this.#log.warn(says, { reason: "clock_skew", offsetMs });
  }
}
