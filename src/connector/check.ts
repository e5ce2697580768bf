import { inspect } from "node:util";
import type { Finding, Report, StageResult } from "../protocol/report.ts";
import { conditionOf, type ReasonCode, TIMEOUTS } from "../protocol/reasons.ts";
import { byStageOrder, type Stage } from "../protocol/stages.ts";
import {
  calmSentence,
  causeOf,
  type Evidence,
  printable,
  printableLine,
  remedyOf,
  sentenceOf,
} from "../protocol/words.ts";
import { type Clock, OVER } from "./clock.ts";
import type { Network } from "./dial/network.ts";
import { durationWords } from "./duration.ts";
import { codeOf, explainSystem, Failure } from "./failure.ts";
import type { IntegrationType } from "./integrations/integration.ts";
import type { Fields, Run } from "./run.ts";
import { type AgeLimits, ageWarnings } from "./secrets/age.ts";
import { fieldsOf, valuesOf } from "./secrets/fields.ts";
import type { Secret } from "./secrets/secret-store.ts";
import { holdsValue } from "./secrets/withheld.ts";

/** An integration's secret: where it is, and how to read it. */
export interface BoundSecret {
  /** The same for all integrations that name the same secret. */
  readonly id: string;
  readonly store: string;
  /** The NAME in the sentence. */
  readonly name: string;
  readonly facts: Evidence;
  /** Our field ← the key in the secret. */
  readonly mapping: Readonly<Record<string, string>>;
  /** From one reading to the next, milliseconds; 0: at each look. */
  readonly rereadMs: number;
  readonly ages: AgeLimits;
  read(signal: AbortSignal): Promise<Secret>;
  /** Its values as far as they are known without this look. Never rejects. Absent where nothing is kept. */
  known?(): Promise<readonly string[]>;
}

/** One integration, ready to be checked. */
export interface Check {
  readonly name: string;
  readonly type: IntegrationType;
  readonly config: unknown;
  readonly secret?: BoundSecret | undefined;
  readonly timeoutMs: number;
  readonly suspend: boolean;
  /** Why the local policy does not allow this item at all: told without a look. */
  readonly forbidden?: Failure | undefined;
}

export interface CheckPlace {
  readonly clock: Clock;
  readonly network: Network;
  /** Told of what no failure explains: a driver's unknown error, or a bug of ours. For the local log. */
  readonly onUnknown?: (error: unknown, check: Check) => void;
  /** Told of each stage as it ends. */
  readonly onStage?: (result: StageResult) => void;
  /** Ends the walk early: nobody wants its report any more. */
  readonly signal?: AbortSignal;
}

/** How much of the integration's timeout the stage secret may take. */
export const SECRET_SHARE = 0.5;
/** The same of each stage that has a share; the others may take what is left. */
const SHARE: Partial<Readonly<Record<Stage, number>>> = {
  resolve: 0.5,
  connect: 0.5,
  tls: 0.5,
  secret: SECRET_SHARE,
};

/** After a deadline, work that obeys its signal still gets to say what it saw. Milliseconds. */
const LAST_WORD_MS = 20;

/** How long a goodbye may take after everything has passed. Milliseconds. */
const GOODBYE_MS = 250;

const WITHHELD = "(withheld: it repeats a value of the secret)";

/** Names of evidence that a peer chooses the content of. */
const PEER_WORDS = ["code", "method", "location", "retryAfter", "names", "issuer"];

/** Those that a peer gives before it is given the secret. */
const EARLY_WORDS = ["names", "issuer"];

interface Warning {
  readonly stage: Stage;
  readonly reason: ReasonCode;
  readonly evidence: Evidence;
}

/** Walks the stages of one integration, once. Always ends in a report, and within the integration's timeout. */
export async function check(item: Check, place: CheckPlace): Promise<Report> {
  if (item.suspend) return suspendedReport(item);
  const walk = new Walk(item, place);
  const failure = await walk.run();
  return walk.report(failure);
}

class Walk implements Run {
  readonly clock: Clock;
  readonly network: Network;
  readonly hasSecret: boolean;
  readonly #item: Check;
  readonly #place: CheckPlace;
  /** Made where somebody asks for it: most walks end without. */
  #over: AbortController | undefined;
  #isOver = false;
  /** What ends the stages that run. */
  readonly #running = new Set<() => void>();
  readonly #deadline: number;
  readonly #owned: { destroy(): unknown }[] = [];
  readonly #stages: StageResult[] = [];
  readonly #findings: Finding[] = [];
  readonly #warnings: Warning[] = [];
  readonly #values: string[] = [];
  /** Fields of the secret that end in a line break: a login that was made by `echo` is rejected for it. */
  #broken: readonly string[] = [];
  readonly #known: Record<string, Evidence[string]>;

  constructor(item: Check, place: CheckPlace) {
    this.#item = item;
    this.#place = place;
    this.clock = place.clock;
    this.network = place.network;
    this.hasSecret = item.secret !== undefined;
    this.#deadline = place.clock.tick() + item.timeoutMs;
    const secret = item.secret === undefined ? {} : { secret: item.secret.name, store: item.secret.store };
    this.#known = {
      integration: item.name,
      ...item.type.facts(item.config),
      ...item.secret?.facts,
      ...secret,
    };
  }

  get signal(): AbortSignal {
    this.#over ??= new AbortController();
    if (this.#isOver) this.#over.abort(OVER);
    return this.#over.signal;
  }

  #end(): void {
    this.#isOver = true;
    this.#over?.abort(OVER);
    for (const end of this.#running) end();
  }

  async run(): Promise<Failure | undefined> {
    const end = (): void => this.#end();
    const { signal } = this.#place;
    if (signal?.aborted === true) end();
    signal?.addEventListener("abort", end, { once: true });
    const { forbidden } = this.#item;
    try {
      if (forbidden !== undefined) await this.stage(forbidden.stage, () => Promise.reject(forbidden));
      const connection = await this.#item.type.open(this.#item.config, this);
      await this.#leave(connection);
      return undefined;
    } catch (error) {
      if (error instanceof Failure) {
        await this.#recall(error);
        return error;
      }
      // Nothing but a Failure leaves a stage: this is a bug in the type, outside of any stage.
      this.#tellUnknown(error);
      return new Failure("respond", "unknown", {}, error);
    } finally {
      signal?.removeEventListener("abort", end);
      this.#end();
      // From the top: Node crashes where the socket below TLS is destroyed first.
      for (const resource of this.#owned.toReversed()) resource.destroy();
    }
  }

  /** A peer may have the secret from an earlier look: what it says before it is given it again is compared, too. */
  async #recall({ evidence }: Failure): Promise<void> {
    const { secret } = this.#item;
    if (secret?.known === undefined || !EARLY_WORDS.some((name) => name in evidence)) return;
    const left = Math.max(LAST_WORD_MS, this.#deadline - this.clock.tick());
    const known = await Promise.race([secret.known(), this.clock.sleep(left, this.signal)]);
    this.#values.push(...(known ?? []));
  }

  /** Says goodbye. A server that does not take it in time is hung up on. */
  async #leave(connection: AsyncDisposable): Promise<void> {
    const left = Math.max(0, Math.min(GOODBYE_MS, this.#deadline - this.clock.tick()));
    const goodbye = Promise.resolve(connection[Symbol.asyncDispose]());
    const waited = Promise.withResolvers<void>();
    const cancel = this.clock.after(left, waited.resolve);
    // What it throws after its time is no news: the sockets are destroyed.
    goodbye.then(waited.resolve, waited.reject);
    await waited.promise.finally(cancel);
  }

  async stage<T>(name: Stage, work: (signal: AbortSignal, limitMs: number) => Promise<T>): Promise<T> {
    const started = this.clock.tick();
    const left = this.#deadline - started;
    const share = (SHARE[name] ?? 1) * this.#item.timeoutMs;
    const limit = Math.max(0, Math.min(left, share));
    try {
      const value = await this.#within(name, limit, work);
      this.#passed(name, started);
      return value;
    } catch (error) {
      const failure = this.#failureOf(error, name);
      // A stage that was reached and passed, though what failed later came up while it ran.
      if (byStageOrder(name, failure.stage) < 0) this.#passed(name, started);
      this.#failed(failure, started);
      // In words the share, which the configuration decides, and not what the stages before have left of it.
      throw withEvidence(failure, { limit: durationWords(share), stage: failure.stage });
    }
  }

  #within<T>(
    name: Stage,
    limit: number,
    work: (signal: AbortSignal, limitMs: number) => Promise<T>,
  ): Promise<T> {
    const ending = new AbortController();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    let isLate = false;
    const late = (): void => {
      isLate = true;
      ending.abort(OVER);
      cancel = this.clock.after(LAST_WORD_MS, giveUp);
    };
    const giveUp = (): void => {
      over();
      reject(new Failure(name, TIMEOUTS[name]));
    };
    const walkEnds = (): void => {
      ending.abort(OVER);
      giveUp();
    };
    const over = (): void => {
      this.#running.delete(walkEnds);
      cancel();
    };
    const working = work(ending.signal, limit);
    let cancel = this.clock.after(limit, late);
    this.#running.add(walkEnds);
    working.finally(over).then(resolve, (error: unknown) => {
      // What a driver throws because its signal aborted says nothing; what a step names itself does.
      reject(isLate && !(error instanceof Failure) ? new Failure(name, TIMEOUTS[name], {}, error) : error);
    });
    if (this.#isOver) walkEnds();
    return promise;
  }

  #failureOf(error: unknown, stage: Stage): Failure {
    if (error instanceof Failure) return error;
    const known = this.#item.type.explain?.(error, stage) ?? explainSystem(error, stage);
    if (known !== undefined) return known;
    this.#tellUnknown(error);
    return new Failure(stage, "unknown", { code: codeOf(error) ?? "" }, error);
  }

  #passed(stage: Stage, started: number): void {
    this.#record({ stage, ok: true, ms: this.#since(started) });
  }

  #failed(failure: Failure, started: number): void {
    const { stage, reason } = failure;
    // Also where it was taken for passed: a server may refuse the handshake after it is over.
    this.#forgetAfter(stage);
    this.#record({ stage, ok: false, ms: this.#since(started), reason });
  }

  /** What was walked beyond a stage that turns out to have failed is no step of the way. */
  #forgetAfter(failed: Stage): void {
    const before = this.#stages.filter(({ stage }) => byStageOrder(stage, failed) <= 0);
    this.#stages.splice(0, this.#stages.length, ...before);
  }

  /** A stage may be walked in several steps: it is told once, with its time in all. */
  #record(result: StageResult): void {
    const before = this.#stages.findIndex(({ stage }) => stage === result.stage);
    const [earlier] = before === -1 ? [] : this.#stages.splice(before, 1);
    const ms = Math.round((result.ms + (earlier?.ms ?? 0)) * 10) / 10;
    this.#stages.push({ ...result, ms });
    this.#stages.sort((a, b) => byStageOrder(a.stage, b.stage));
    this.#place.onStage?.(result);
  }

  #since(started: number): number {
    return Math.round((this.clock.tick() - started) * 10) / 10;
  }

  secret<const Shapes extends readonly (readonly string[])[]>(...shapes: Shapes): Promise<Fields<Shapes>> {
    const { secret } = this.#item;
    return this.stage("secret", async (signal) => {
      if (secret === undefined)
        throw new TypeError(`${this.#item.type.type} asked for a secret it has none of`);
      const found = await secret.read(signal);
      this.#values.push(...valuesOf(found));
      for (const { reason, evidence } of ageWarnings(found, secret.ages, this.clock.now()))
        this.warn("secret", reason, evidence);
      const fields = fieldsOf(found, { shapes, mapping: secret.mapping });
      this.#broken = Object.keys(fields).filter((field) => /[\r\n]$/.test(fields[field] ?? ""));
      return fields as Fields<Shapes>;
    });
  }

  own<T extends { destroy(): unknown }>(resource: T): T {
    if (this.#isOver) resource.destroy();
    this.#owned.push(resource);
    return resource;
  }

  know(evidence: Evidence): void {
    Object.assign(this.#known, evidence);
  }

  find(...findings: readonly Finding[]): void {
    this.#findings.push(...findings);
  }

  warn(stage: Stage, reason: ReasonCode, evidence: Evidence): void {
    this.#warnings.push({ stage, reason, evidence: { ...this.#known, ...evidence } });
  }

  aside(): Run {
    const nothing = (): void => {};
    return {
      signal: this.signal,
      clock: this.clock,
      network: this.network,
      hasSecret: false,
      // Half of what is left, so that what the first look saw can still be told.
      stage: (name, work) => this.#within(name, Math.max(0, this.#deadline - this.clock.tick()) / 2, work),
      secret: () => Promise.reject(new TypeError("a second look reads no secret")),
      own: (resource) => this.own(resource),
      know: nothing,
      find: nothing,
      warn: nothing,
      aside: () => this.aside(),
      shown: (text, source) => this.shown(text, source),
    };
  }

  shown(text: string, source = ""): string {
    return holdsValue(`${text} ${source}`, this.#values) ? WITHHELD : printable(text);
  }

  /** For the local log; an error that repeats a value of the secret is not told. */
  #tellUnknown(error: unknown): void {
    const holds = holdsValue(inspect(error, { depth: 8 }), this.#values);
    this.#place.onUnknown?.(holds ? new Error(WITHHELD) : error, this.#item);
  }

  report(failure: Failure | undefined): Report {
    const { name, type, config } = this.#item;
    const declared = type.stages(config, this.hasSecret);
    const path = declared.concat(
      failure === undefined || declared.includes(failure.stage) ? [] : [failure.stage],
    );
    const [warning] = this.#warnings;
    const judged =
      failure === undefined
        ? warning === undefined
          ? onlineWords(name)
          : warningWords(name, warning)
        : this.#errorWords(failure);
    return {
      name,
      type: type.type,
      ...judged,
      coverage: [...type.coverage(config, this.hasSecret)],
      address: printableLine(type.address(config)),
      blockedBy: null,
      findings: [...this.#findings, ...(failure?.stage === "authenticate" ? this.#lineBreaks() : [])],
      path: path.toSorted(byStageOrder),
      stages: this.#stages,
    };
  }

  #lineBreaks(): Finding[] {
    const text = "ends in a line break, which is sent as part of it";
    return this.#broken.map((field) => ({ subject: `field ${field}`, verdict: "failed", text }));
  }

  /** What a peer chose: codes and names. They are shown unless they repeat a value of the secret. */
  #peerWords({ evidence }: Failure): Evidence {
    const chosen = PEER_WORDS.flatMap((name) => {
      const word = evidence[name];
      return typeof word === "string" ? [[name, this.shown(word)]] : [];
    });
    return Object.fromEntries(chosen) as Evidence;
  }

  #errorWords(failure: Failure): Words {
    const { name, type } = this.#item;
    const evidence = { ...this.#known, ...failure.evidence, ...this.#peerWords(failure) };
    const condition = conditionOf(failure.stage, failure.reason, type.discovers === true);
    return {
      state: "error",
      condition,
      stage: failure.stage,
      reason: failure.reason,
      message: sentenceOf(condition, { name, secret: this.#item.secret?.name ?? name }),
      cause: causeOf(failure.reason, evidence),
      remedy: remedyOf(failure.reason, evidence),
    };
  }
}

type Words = Pick<Report, "state" | "condition" | "stage" | "reason" | "message" | "cause" | "remedy">;

function onlineWords(name: string): Words {
  const nothing = { condition: null, stage: null, reason: null, cause: null, remedy: [] };
  return { state: "online", ...nothing, message: calmSentence(name, "online", false) };
}

function warningWords(name: string, { stage, reason, evidence }: Warning): Words {
  return {
    state: "warning",
    condition: null,
    stage,
    reason,
    message: calmSentence(name, "warning", false),
    cause: causeOf(reason, evidence),
    remedy: remedyOf(reason, evidence),
  };
}

/** An integration that is told not to be looked at: unknown, which is no pass. */
function suspendedReport(item: Check): Report {
  const { name, type, config } = item;
  const hasSecret = item.secret !== undefined;
  const evidence = { integration: name };
  return {
    name,
    type: type.type,
    state: "unknown",
    condition: null,
    stage: null,
    reason: "suspended",
    message: calmSentence(name, "unknown", true),
    cause: causeOf("suspended", evidence),
    remedy: remedyOf("suspended", evidence),
    coverage: [...type.coverage(config, hasSecret)],
    address: printableLine(type.address(config)),
    blockedBy: null,
    findings: [],
    path: [...type.stages(config, hasSecret)],
    stages: [],
  };
}

function withEvidence(failure: Failure, evidence: Evidence): Failure {
  return new Failure(failure.stage, failure.reason, { ...evidence, ...failure.evidence }, failure.cause);
}
