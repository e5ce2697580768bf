import { conditionOf } from "../protocol/reasons.ts";
import type { SecretItem } from "../protocol/secret-frames.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { Report } from "../protocol/report.ts";
import { causeOf, printableLine, remedyOf, sentenceOf } from "../protocol/words.ts";
import type { BoundSecret } from "./check.ts";
import { Failure } from "./failure.ts";
import type { Item } from "./item.ts";
import type { Reading } from "./kept-secrets.ts";
import { ageWarnings } from "./secrets/age.ts";
import { type FieldWish, fieldsOf } from "./secrets/fields.ts";
import type { Secret } from "./secrets/secret-store.ts";

type Words = Pick<
  SecretItem,
  "state" | "condition" | "stage" | "reason" | "message" | "cause" | "remedy" | "findings"
>;

/** What an integration's login with a version of the secret came to: null where the target took it. */
type Login = Pick<Report, "reason" | "cause" | "remedy"> | null;

interface Stand {
  readonly secret: BoundSecret;
  readonly items: readonly Item[];
  readonly logins: Map<string, Login>;
  reading?: Reading | undefined;
  lastReadAt: number | null;
  told?: SecretItem | undefined;
  since: number;
}

/**
 * How each secret stands, on its own: can it be read, does it hold what its integrations need, does its login work,
 * how old is it. Nothing of the value leaves: what is kept are words.
 */
export class SecretStanding {
  #stands = new Map<string, Stand>();

  /** The secrets of these integrations from now on. Gives them, each once. */
  replace(items: readonly Item[], now: number): readonly BoundSecret[] {
    const users = Map.groupBy(
      items.filter(({ secret, forbidden }) => secret !== undefined && forbidden === undefined),
      ({ secret }) => secret?.id ?? "",
    );
    const stands = [...users].flatMap(([id, items]): [string, Stand][] => {
      const secret = items[0]?.secret;
      if (secret === undefined) return [];
      const { reading, told, lastReadAt = null, logins, since = now } = this.#stands.get(id) ?? {};
      return [[id, { secret, items, reading, told, lastReadAt, logins: logins ?? new Map(), since }]];
    });
    this.#stands = new Map(stands);
    return stands.map(([, { secret }]) => secret);
  }

  /** Integrations that need it. */
  itemsOf(id: string): readonly Item[] {
    return this.#stands.get(id)?.items ?? [];
  }

  /** Whether several integrations need it: then its trouble is told once, as its own. */
  isShared(id: string): boolean {
    return this.itemsOf(id).length > 1;
  }

  /** A reading ended. `news`: of another outcome or version, so that older logins say nothing of it. */
  read(id: string, reading: Reading, news: boolean): void {
    const stand = this.#stands.get(id);
    if (stand === undefined) return;
    stand.reading = reading;
    if (reading.ok) stand.lastReadAt = reading.at;
    if (news) stand.logins.clear();
  }

  /** A look at one of its integrations came as far as the login, or it did not. */
  looked({ name, secret }: Item, report: Report): void {
    const stand = this.#stands.get(secret?.id ?? "");
    if (stand === undefined) return;
    const { stage, condition, reason, cause, remedy, stages } = report;
    if (stage === "authenticate" && condition === "secret_invalid")
      stand.logins.set(name, { reason, cause, remedy });
    else if (stages.some(({ stage, ok }) => stage === "authenticate" && ok)) stand.logins.set(name, null);
  }

  wasRead(id: string): boolean {
    return this.#stands.get(id)?.reading !== undefined;
  }

  ids(): readonly string[] {
    return [...this.#stands.keys()];
  }

  /** Every secret as it is told. */
  all(now: number): SecretItem[] {
    return [...this.#stands.values()].map((stand) => itemOf(stand, now));
  }

  /** Of these those that stand otherwise than when this was asked last; from now on they count as told. */
  takeChanged(ids: Iterable<string>, now: number): SecretItem[] {
    return [...ids].flatMap((id) => {
      const stand = this.#stands.get(id);
      if (stand === undefined) return [];
      const item = itemOf(stand, now);
      if (stand.told !== undefined && sameItem(stand.told, item)) return [];
      const isAnother = stand.told === undefined || codesOf(stand.told) !== codesOf(item);
      if (isAnother) stand.since = now;
      stand.told = isAnother ? { ...item, since: iso(now) } : item;
      return [stand.told];
    });
  }
}

function itemOf(stand: Stand, now: number): SecretItem {
  const { secret, items, reading, lastReadAt, since } = stand;
  const found = reading?.ok === true ? reading.secret : undefined;
  const names = items.map(({ name }) => name);
  return {
    id: secret.id,
    store: secret.store,
    storeType: String(secret.facts["storeType"] ?? secret.store),
    name: printableLine(secret.name).slice(0, 1024),
    ...bounded(wordsOf(stand, now)),
    usedBy: names.slice(0, LIMITS.secretUsers),
    users: names.length,
    version: found?.version?.slice(0, 256) ?? null,
    createdAt: isoOrNull(found?.createdAt),
    expiresAt: isoOrNull(found?.expiresAt),
    lastReadAt: isoOrNull(lastReadAt ?? undefined),
    since: iso(since),
  };
}

function wordsOf(stand: Stand, now: number): Words {
  const { secret, items, reading } = stand;
  const calm = { condition: null, stage: null, reason: null, cause: null, remedy: [], findings: [] };
  if (reading === undefined)
    return { ...calm, state: "unknown", message: `Secret ${secret.name} was not read yet.` };
  if (!reading.ok) return failed(stand, reading.failure, items[0]?.name ?? "");
  const fieldTrouble = fieldTroubles(reading);
  const troubles = items.flatMap((item) => {
    const trouble = troubleOf(stand, item, fieldTrouble(item));
    return trouble === undefined ? [] : [{ item, trouble }];
  });
  const [first] = troubles;
  const findings = troubles.map(({ item, trouble }) => ({
    subject: item.name,
    verdict: "failed" as const,
    text: trouble.cause ?? "",
  }));
  if (first !== undefined && troubles.length === items.length)
    return { ...first.trouble, findings: items.length > 1 ? findings : [] };
  if (first !== undefined)
    return { ...first.trouble, state: "warning", condition: null, message: gap(secret.name), findings };
  const [warning] = ageWarnings(reading.secret, secret.ages, now);
  if (warning === undefined)
    return { ...calm, state: "online", message: `Secret ${secret.name} is readable.` };
  const evidence = { ...evidenceOf(stand, items[0]?.name ?? ""), ...warning.evidence };
  return {
    ...calm,
    state: "warning",
    stage: "secret",
    reason: warning.reason,
    message: gap(secret.name),
    cause: causeOf(warning.reason, evidence),
    remedy: remedyOf(warning.reason, evidence),
  };
}

function gap(name: string): string {
  return `Secret ${name} works, with a gap.`;
}

/**
 * What is wrong with the fields that an integration needs. Thousands may share a secret, and most need the same of it:
 * so it is parsed once for each way in which it is needed.
 */
function fieldTroubles({ secret }: Reading & { ok: true }): (item: Item) => Failure | undefined {
  const known = new Map<string, Failure | undefined>();
  return ({ type, secret: bound }) => {
    const wish = { shapes: type.secret?.shapes ?? [], mapping: bound?.mapping ?? {} };
    const key = JSON.stringify(wish);
    if (!known.has(key)) known.set(key, fieldTrouble(secret, wish));
    return known.get(key);
  };
}

function fieldTrouble(secret: Secret, wish: FieldWish): Failure | undefined {
  try {
    fieldsOf(secret, wish);
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

/** What keeps one integration from using it: a field that is not there, a login that is not taken. */
function troubleOf(stand: Stand, item: Item, ofFields: Failure | undefined): Words | undefined {
  if (ofFields !== undefined) return failed(stand, ofFields, item.name);
  const login = stand.logins.get(item.name);
  if (login === undefined || login === null) return undefined;
  const { name } = stand.secret;
  return {
    state: "error",
    condition: "secret_invalid",
    stage: "authenticate",
    reason: login.reason,
    message: sentenceOf("secret_invalid", { name, secret: name }),
    cause: login.cause,
    remedy: login.remedy,
    findings: [],
  };
}

function failed(stand: Stand, { stage, reason, evidence }: Failure, integration: string): Words {
  const { name } = stand.secret;
  const condition = conditionOf(stage, reason, false);
  const known = { ...evidenceOf(stand, integration), ...evidence };
  return {
    state: "error",
    condition,
    stage,
    reason,
    message: sentenceOf(condition, { name, secret: name }),
    cause: causeOf(reason, known),
    remedy: remedyOf(reason, known),
    findings: [],
  };
}

function evidenceOf({ secret }: Stand, integration: string): Record<string, string | number> {
  return { integration, ...secret.facts, secret: secret.name, store: secret.store };
}

/** The wire's bounds: words are ours and rarely longer. */
function bounded(words: Words): Words {
  const short = (text: string): string => (text.length <= 1024 ? text : `${text.slice(0, 1023)}…`);
  return {
    ...words,
    message: short(words.message),
    cause: words.cause === null ? null : short(words.cause),
    remedy: words.remedy.slice(0, 32).map(({ text, command }) => ({
      text: short(text),
      command: command !== null && command.length > 4096 ? null : command,
    })),
    findings: words.findings
      .slice(0, 16)
      .map(({ subject, verdict, text }) => ({ subject, verdict, text: short(text) })),
  };
}

function codesOf({ state, condition, stage, reason }: SecretItem): string {
  return JSON.stringify([state, condition, stage, reason]);
}

/** Whether two say the same; when it was read is told by heartbeats. */
function sameItem(a: SecretItem, b: SecretItem): boolean {
  const rest = (item: SecretItem): string => JSON.stringify({ ...item, lastReadAt: null, since: null });
  return rest(a) === rest(b);
}

function iso(at: number): string {
  return new Date(at).toISOString();
}

function isoOrNull(at: number | undefined): string | null {
  return at === undefined || Number.isNaN(at) ? null : iso(at);
}
