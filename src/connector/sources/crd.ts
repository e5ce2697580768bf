import type { Report } from "../../protocol/report.ts";
import type { Clock } from "../clock.ts";
import { conditionsOf, invalidOf } from "../crd/conditions.ts";
import { Events } from "../crd/events.ts";
import { INTEGRATIONS, type IntegrationResource, MOST_SPEC } from "../crd/resource.ts";
import { StatusWriter } from "../crd/status-writer.ts";
import { Teller } from "../crd/teller.ts";
import type { Doing, SourceProblem } from "../crd/trouble.ts";
import { Troubles } from "../crd/troubles.ts";
import type { Item, JudgedResource, Problem } from "../item.ts";
import type { KubernetesApi } from "../kubernetes/api.ts";
import type { ApiFailure } from "../kubernetes/api-failure.ts";
import { type Followed, follow } from "../kubernetes/follow.ts";

export interface IntegrationsParts {
  readonly api: KubernetesApi;
  readonly namespaces: readonly string[] | "all";
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Which connector, for Events: the name of its pod. */
  readonly instance: string;
  /** Judges by the policy of this moment. */
  readonly judge: (resource: JudgedResource) => Promise<Item | readonly Problem[]>;
  /** All items there are from now on, where they differ from the last ones. */
  readonly onItems: (items: readonly Item[]) => void;
  readonly onProblem: (problem: SourceProblem) => void;
  /** Something that nobody foresaw: a bug. */
  readonly onUnknown: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/** What is read when metrics are scraped. */
export interface IntegrationsCounts {
  /** Resources by what came of judging them. */
  readonly valid: number;
  readonly invalid: number;
  /** What cannot be done now: follow a namespace, write its statuses or Events. */
  readonly troubles: number;
  /** Since the start: how often a watch was lost, and how statuses and Events were written. */
  readonly losses: number;
  readonly written: Readonly<Record<"status" | "events", { readonly ok: number; readonly failed: number }>>;
}

export interface FollowedIntegrations {
  /** Resolves once every namespace was listed once, or the signal aborted. */
  readonly listed: Promise<void>;
  /** Resolves once all has ended after the signal aborted. */
  readonly ended: Promise<void>;
  /** What stands for an item of this source, after each look at it. `checkedAt` is epoch milliseconds. */
  tell(item: Item, report: Report, checkedAt: number): void;
  /** All are judged anew: the policy or the stores of the local file have changed. */
  rejudge(): void;
  counts(): IntegrationsCounts;
}

/** The resources of one namespace, or of all. */
interface Scope {
  readonly namespace: string;
  readonly where: { readonly namespace?: string };
  readonly names: Set<string>;
  readonly listed: PromiseWithResolvers<void>;
}

interface Known {
  readonly resource: IntegrationResource;
  /** Undefined until it was judged. */
  readonly judged?: Item | "invalid";
  readonly told?: { readonly digest: string; readonly report: Report; readonly checkedAt: number };
}

/** A snapshot holds 5000 integrations, those of the file among them. */
const MOST_RESOURCES = 4_000;
/** What comes within this time is judged together. Milliseconds. */
const GATHER_MS = 100;
/** So many are judged before others get their turn. */
const AT_ONCE = 16;
/** A page of the list stays far below what one answer may weigh, though somebody fills resources to the brim. */
const PAGE = 50;
const AFTER_BUG_MS = 60_000;

/** Follows the Integration resources of some namespaces until the signal aborts, and writes their statuses. */
export function followIntegrations(parts: IntegrationsParts): FollowedIntegrations {
  return new Integrations(parts);
}

class Integrations implements FollowedIntegrations {
  readonly listed: Promise<void>;
  readonly ended: Promise<void>;
  readonly #parts: IntegrationsParts;
  readonly #troubles: Troubles;
  readonly #writer: StatusWriter;
  readonly #teller: Teller;
  /** By `NAME.NAMESPACE`, the item's name. */
  readonly #known = new Map<string, Known>();
  readonly #dirty = new Set<string>();
  readonly #written = { status: { ok: 0, failed: 0 }, events: { ok: 0, failed: 0 } };
  #wake = new AbortController();
  #published = "";
  #losses = 0;

  constructor(parts: IntegrationsParts) {
    this.#parts = parts;
    const { api, clock, random, instance, namespaces, signal, onUnknown, onProblem } = parts;
    const wide = namespaces === "all";
    this.#troubles = new Troubles({ api, signal, wide, onProblem });
    const onWritten = (doing: "status" | "events") => (namespace: string, failure?: ApiFailure) =>
      this.#wrote(doing, namespace, failure);
    const shared = { api, clock, random, instance, signal, onUnknown };
    this.#writer = new StatusWriter({ ...shared, onWritten: onWritten("status") });
    const events = new Events({ ...shared, onWritten: onWritten("events") });
    this.#teller = new Teller({ writer: this.#writer, events, random });
    const scopes = wide ? [scopeOf()] : [...new Set(namespaces)].map(scopeOf);
    const over = new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    this.listed = Promise.race([
      over,
      Promise.all(scopes.map(({ listed }) => listed.promise)).then(() => {}),
    ]);
    const loops = [...scopes.map((scope) => this.#keep(scope)), this.#judging()];
    this.ended = Promise.all([...loops, this.#writer.ended, events.ended]).then(() => {});
  }

  tell(item: Item, report: Report, checkedAt: number): void {
    const known = this.#known.get(item.name);
    // A late word on what was meanwhile edited or removed.
    if (typeof known?.judged !== "object" || known.judged.digest !== item.digest) return;
    this.#known.set(item.name, { ...known, told: { digest: item.digest, report, checkedAt } });
    const said = conditionsOf(report, item.type.discovers === true);
    const { resource } = known;
    const at = this.#parts.clock.now();
    this.#teller.tell(resource, resource.seen, { said, remedy: report.remedy, at, checkedAt });
  }

  rejudge(): void {
    for (const name of this.#known.keys()) this.#dirty.add(name);
    this.#wake.abort();
  }

  counts(): IntegrationsCounts {
    const all = [...this.#known.values()];
    const invalid = all.filter(({ judged }) => judged === "invalid").length;
    const valid = all.filter(({ judged }) => typeof judged === "object").length;
    return { valid, invalid, troubles: this.#troubles.count, losses: this.#losses, written: this.#written };
  }

  #wrote(doing: "status" | "events", namespace: string, failure: ApiFailure | undefined): void {
    this.#written[doing][failure === undefined ? "ok" : "failed"] += 1;
    if (failure === undefined) this.#troubles.isOver(doing, namespace);
    else this.#trouble(doing, namespace, failure);
  }

  #trouble(doing: Doing, namespace: string, failure: ApiFailure): void {
    this.#troubles.is(doing, namespace, failure);
  }

  /** Follows one scope. `follow` begins anew by itself; what it throws is a bug. */
  async #keep(scope: Scope): Promise<void> {
    const { api, clock, random, signal, onUnknown } = this.#parts;
    while (!signal.aborted) {
      try {
        const options = { clock, random, signal, limit: PAGE };
        for await (const news of follow(api, INTEGRATIONS, scope.where, options)) this.#take(scope, news);
      } catch (error) {
        onUnknown(error);
        await clock.sleep(AFTER_BUG_MS, signal);
      }
    }
  }

  #take(scope: Scope, news: Followed<IntegrationResource>): void {
    switch (news.type) {
      case "all":
        this.#takeAll(scope, news.objects);
        this.#troubles.isOver("follow", scope.namespace);
        return scope.listed.resolve();
      case "set":
        return news.object.isGoing ? this.#remove(scope, nameOf(news.object)) : this.#set(scope, news.object);
      case "gone":
        return this.#remove(scope, nameOf(news.object));
      case "lost":
        this.#losses += 1;
        // Without the CRD there are none. Whatever else it is: what was known last stands until they are listed again.
        if (news.failure.is(404)) {
          this.#takeAll(scope, []);
          scope.listed.resolve();
        }
        return this.#trouble("follow", scope.namespace, news.failure);
    }
  }

  #takeAll(scope: Scope, objects: readonly IntegrationResource[]): void {
    const there = objects.filter(({ isGoing }) => !isGoing);
    const names = new Set(there.map(nameOf));
    for (const name of scope.names) if (!names.has(name)) this.#remove(scope, name);
    for (const resource of there) this.#set(scope, resource);
  }

  #set(scope: Scope, resource: IntegrationResource): void {
    const name = nameOf(resource);
    const old = this.#known.get(name);
    // Our own writes come back: a status is no news.
    const isOther = old?.resource.uid !== resource.uid;
    if (old !== undefined && !isOther && old.resource.generation === resource.generation) return;
    if (old !== undefined && isOther) this.#teller.forget(old.resource);
    scope.names.add(name);
    const told = isOther ? undefined : old?.told;
    this.#known.set(name, { resource, ...(told === undefined ? {} : { told }) });
    this.#dirty.add(name);
    this.#wake.abort();
  }

  #remove(scope: Scope, name: string): void {
    scope.names.delete(name);
    const known = this.#known.get(name);
    if (known === undefined) return;
    this.#known.delete(name);
    this.#teller.forget(known.resource);
    this.#dirty.add(name);
    // It may have made room for one that was refused.
    const [admitted] = this.#known
      .keys()
      .drop(MOST_RESOURCES - 1)
      .take(1);
    if (admitted !== undefined) this.#dirty.add(admitted);
    this.#wake.abort();
  }

  /** Judges what has changed, each once however often it did, and publishes what came of it. */
  async #judging(): Promise<void> {
    const { clock, signal, onUnknown } = this.#parts;
    while (!signal.aborted) {
      if (this.#dirty.size === 0)
        await clock.sleep(AFTER_BUG_MS, AbortSignal.any([signal, this.#wake.signal]));
      this.#wake = new AbortController();
      if (this.#dirty.size === 0) continue;
      await clock.sleep(GATHER_MS, signal);
      try {
        await this.#judgeAll();
        if (!signal.aborted) this.#publish();
      } catch (error) {
        onUnknown(error);
      }
    }
  }

  async #judgeAll(): Promise<void> {
    const { clock, signal } = this.#parts;
    let count = 0;
    for (const name of this.#dirty) {
      if (signal.aborted) return;
      this.#dirty.delete(name);
      await this.#judge(name);
      count += 1;
      if (count % AT_ONCE === 0) await clock.sleep(0, signal);
    }
  }

  async #judge(name: string): Promise<void> {
    const known = this.#known.get(name);
    if (known === undefined) return;
    const { resource } = known;
    const judged = await this.#judgementOf(resource);
    const now = this.#known.get(name);
    // Edited or removed meanwhile: it is dirty again.
    if (now?.resource !== resource) return;
    if (typeof judged === "string") {
      this.#known.set(name, { resource, judged: "invalid" });
      const finding = { said: invalidOf(judged), remedy: [], at: this.#parts.clock.now() };
      return this.#teller.tell(resource, resource.seen, finding);
    }
    this.#known.set(name, { ...now, judged });
    // Edited to the same: what was found holds for this generation too, and no new look comes.
    if (now.told?.digest === judged.digest) this.tell(judged, now.told.report, now.told.checkedAt);
  }

  /** The item, or what is wrong in words. */
  async #judgementOf(resource: IntegrationResource): Promise<Item | string> {
    const { namespace, name, spec } = resource;
    if (spec === undefined) return `spec: is longer than ${MOST_SPEC / 1024} KiB; make it smaller`;
    if (this.#known.size > MOST_RESOURCES && !this.#isAmongFirst(nameOf(resource)))
      return `this connector takes ${MOST_RESOURCES} Integrations at most; let another one watch some of the namespaces`;
    const judged = await this.#parts.judge({ namespace, name, spec: JSON.parse(spec) });
    if ("type" in judged) return judged;
    return judged.map(({ path, text }) => `${path === "" ? "spec" : path}: ${text}`).join("; ");
  }

  /** Those that came first stay. */
  #isAmongFirst(name: string): boolean {
    return this.#known
      .keys()
      .take(MOST_RESOURCES)
      .some((known) => known === name);
  }

  #publish(): void {
    const items = [...this.#known.values()].flatMap(({ judged }) =>
      typeof judged === "object" ? [judged] : [],
    );
    const sorted = items.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    const published = sorted.map(({ name, digest }) => `${name} ${digest}`).join("\n");
    if (published === this.#published) return;
    this.#published = published;
    this.#parts.onItems(sorted);
  }
}

function scopeOf(namespace?: string): Scope {
  const where = namespace === undefined ? {} : { namespace };
  return { namespace: namespace ?? "*", where, names: new Set(), listed: Promise.withResolvers() };
}

function nameOf({ name, namespace }: Pick<IntegrationResource, "name" | "namespace">): string {
  return `${name}.${namespace}`;
}
