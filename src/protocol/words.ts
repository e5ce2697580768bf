import { reasonRow, type ReasonCode, type Step } from "./reasons.ts";
import { STORE_WORDS } from "./store-words/index.ts";
import type { Condition, State } from "./stages.ts";
import type { StoreWords } from "./store-words/store-words.ts";

/**
 * What a failure knows that is safe to show: names, addresses, codes, limits. Never a secret's value,
 * never a server's own prose. The keys are the names that the templates of the table use.
 */
export type Evidence = Readonly<Record<string, string | number>>;

/** A remedy step as every surface carries it. */
export interface RemedyStep {
  readonly text: string;
  readonly command: string | null;
}

const PLACEHOLDER = /\{([a-zA-Z]+)\}/g;

/** A line of ours that repeats names may be this long: a path can have 4096 characters. */
const MOST_LINE = 8192;

/** A line of ours, printable whatever the names in it are. */
export function printableLine(text: string): string {
  return printable(text, MOST_LINE);
}

/** Printable and short: whatever a peer chose as a name cannot break a line, a terminal or a page. */
export function printable(text: string, most = 200): string {
  // Control and format characters, among them the ones that turn the direction of a line.
  const clean = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "�");
  return clean.length <= most ? clean : `${clean.slice(0, most - 1)}…`;
}

/** One word for a POSIX shell. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The template with its names filled in, or undefined where one is not known. */
function fill(template: string, evidence: Evidence, write: (value: string) => string): string | undefined {
  let complete = true;
  const filled = template.replaceAll(PLACEHOLDER, (whole, name: string) => {
    const value = evidence[name];
    if (value !== undefined && value !== "") return write(printable(String(value)));
    complete = false;
    return whole;
  });
  return complete ? filled : undefined;
}

function first<T>(candidates: readonly T[], make: (candidate: T) => string | undefined): string | undefined {
  for (const candidate of candidates) {
    const made = make(candidate);
    if (made !== undefined) return made;
  }
  return undefined;
}

/** What the kind of store that `storeType` names says of a reason, where it has words of its own. */
function storeRow(code: ReasonCode, { storeType = "" }: Evidence): StoreWords[ReasonCode] {
  return STORE_WORDS[String(storeType)]?.[code];
}

/** The cause in one or two sentences. Never empty: a reason without words says its code. */
export function causeOf(code: ReasonCode, evidence: Evidence): string {
  const says = [...(storeRow(code, evidence)?.says ?? []), ...(reasonRow(code).says ?? [])];
  return first(says, (template) => fill(template, evidence, (value) => value)) ?? `The reason is ${code}.`;
}

/** With a name that was cut or cleaned a command is another one; one that begins as a flag would be taken for a flag. */
function namesUnfit(command: string, evidence: Evidence): boolean {
  return [...command.matchAll(PLACEHOLDER)].some(({ index, 1: name = "" }) => {
    const value = String(evidence[name] ?? "");
    const begins = index === 0 || /[\s"']/.test(command[index - 1] ?? "");
    return printable(value) !== value || (begins && value.startsWith("-"));
  });
}

function stepOf(step: Step, evidence: Evidence): RemedyStep | undefined {
  const text = fill(step.text, evidence, (value) => value);
  if (text === undefined) return undefined;
  if (step.command === undefined) return { text, command: null };
  if (namesUnfit(step.command, evidence)) return { text, command: null };
  const command = fill(step.command, evidence, shellWord);
  return command === undefined ? undefined : { text, command };
}

/** The steps whose names are all known, in the table's order: those of the store, else the general ones. */
export function remedyOf(code: ReasonCode, evidence: Evidence): RemedyStep[] {
  const own = stepsOf(storeRow(code, evidence)?.remedy ?? [], evidence);
  return own.length > 0 ? own : stepsOf(reasonRow(code).remedy ?? [], evidence);
}

function stepsOf(entries: readonly (Step | readonly Step[])[], evidence: Evidence): RemedyStep[] {
  const steps: RemedyStep[] = [];
  for (const entry of entries) {
    const forms: readonly Step[] = "text" in entry ? [entry] : entry;
    for (const form of forms) {
      const step = stepOf(form, evidence);
      if (step === undefined) continue;
      steps.push(step);
      break;
    }
  }
  return steps;
}

/** The product's sentence for a condition that a connector can know. `secret` is the secret's NAME. */
export function sentenceOf(
  condition: Condition,
  names: { readonly name: string; readonly secret: string },
): string {
  switch (condition) {
    case "connector_unreachable":
      return `Connector ${names.name} is unreachable.`;
    case "integration_unreachable":
      return `Integration ${names.name} is unreachable.`;
    case "secret_unreachable":
      return `Secret ${printableLine(names.secret)} is unreachable.`;
    case "secret_invalid":
      return `Secret ${printableLine(names.secret)} is invalid.`;
    case "discovery_failed":
      return "Discovery of resources failed.";
    case "requests_failing":
      return `${names.name} failed requests in the last day`;
  }
}

/** The sentence of a state that is no trouble. */
export function calmSentence(name: string, state: Exclude<State, "error">, suspended: boolean): string {
  if (suspended) return `Integration ${name} is suspended.`;
  switch (state) {
    case "online":
      return `Integration ${name} is online.`;
    case "warning":
      return `Integration ${name} works, with a gap.`;
    case "unknown":
      return `Integration ${name} is unknown.`;
  }
}
