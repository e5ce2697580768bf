import type { Connector, Integration } from "../api/shapes.ts";
import { connectorGap, several } from "../words/names.ts";
import { connectorHref, integrationHref, secretHref } from "./hrefs.ts";

/** One row of "Needs attention": one sentence, however many integrations it explains. */
export interface Trouble {
  readonly key: string;
  readonly weight: "error" | "warning";
  readonly message: string;
  /** The integration that the cause is about, where the sentence does not name it. */
  readonly about: string | null;
  readonly cause: string;
  readonly places: readonly string[];
  readonly code: string;
  readonly since: string;
  readonly href: string;
  /** How many integrations it explains. */
  readonly explains: number;
}

const ENDING = new Set(["certificate_expiring", "secret_expiring"]);

function codeOf(item: Integration): string {
  return [item.stage, item.reason].filter((code) => code !== null).join(" · ");
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 3);
  const rest = names.length - shown.length;
  if (rest > 0) return `${shown.join(", ")} and ${rest} more`;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

function ofConnector(connector: Connector): Trouble {
  const { unknown, online, warning, error } = connector.integrations;
  const all = unknown + online + warning + error;
  const silent = connector.state === "unreachable";
  const consequence =
    silent && all > 0
      ? ` Its ${several(all, "integration")} ${all === 1 ? "is" : "are"} unknown, not in error.`
      : "";
  return {
    key: `connector ${connector.name}`,
    weight: silent ? "error" : "warning",
    message: connector.message,
    about: null,
    cause: `${connector.cause ?? ""}${consequence}`.trim(),
    places: [connector.name],
    code: silent ? "connector" : connector.revokedAt !== null ? "revoked" : (connector.reason ?? "connector"),
    since: connector.revokedAt ?? connector.reasonSince ?? connector.since,
    href: connectorHref(connector.name),
    explains: all,
  };
}

/** What tells two rows apart: a secret stands once, however many integrations it breaks. */
function troubleKey(item: Integration): string {
  const bySecret = item.condition === "secret_unreachable" || item.condition === "secret_invalid";
  if (bySecret) return `secret ${item.connector} ${item.blockedBy?.id ?? item.message}`;
  if (item.reason !== null && item.state === "warning" && ENDING.has(item.reason))
    return `ending ${item.reason}`;
  return `integration ${item.connector}/${item.name}`;
}

function ofIntegrations(key: string, items: readonly Integration[]): Trouble | null {
  const first = items[0];
  if (first === undefined) return null;
  const names = items.map((item) => item.name);
  const base = {
    key,
    weight: first.state === "error" ? ("error" as const) : ("warning" as const),
    places: [...new Set(items.map((item) => item.connector))],
    code: codeOf(first),
    since: items.reduce((oldest, item) => (item.since < oldest ? item.since : oldest), first.since),
    explains: items.length + first.blocks.length,
  };
  const cause = first.cause ?? "";
  if (key.startsWith("ending ") && items.length > 1)
    return {
      ...base,
      message: `${items.length} credentials end soon`,
      about: null,
      cause: `${listed(names)}.`,
      href: `/?state=warning&group=reason`,
    };
  const by = first.blockedBy;
  const href =
    by?.kind === "secret" ? secretHref({ connector: first.connector, id: by.id }) : integrationHref(first);
  if (key.startsWith("secret ")) {
    const blocked = `Blocks ${listed(names)}.`;
    return { ...base, message: first.message, about: null, cause: `${cause} ${blocked}`.trim(), href };
  }
  const about = first.message.includes(first.name) ? null : first.name;
  return { ...base, message: first.message, about, cause, href };
}

function byWeight(a: Trouble, b: Trouble): number {
  const order = (trouble: Trouble): number =>
    trouble.weight === "warning" ? 2 : trouble.key.startsWith("connector ") ? 0 : 1;
  return order(a) - order(b) || b.explains - a.explains || b.since.localeCompare(a.since);
}

/** Every trouble once, what explains most first. What is unknown because of its connector is none of its own. */
export function troublesOf(
  connectors: readonly Connector[],
  integrations: readonly Integration[],
): Trouble[] {
  const troubles = connectors
    .filter(
      (connector) =>
        connector.state === "unreachable" || connector.revokedAt !== null || connectorGap(connector) !== null,
    )
    .map(ofConnector);
  const found = new Map<string, Integration[]>();
  for (const item of integrations) {
    if (item.state !== "error" && item.state !== "warning") continue;
    if (item.blockedBy?.kind === "connector") continue;
    const key = troubleKey(item);
    const group = found.get(key);
    if (group === undefined) found.set(key, [item]);
    else group.push(item);
  }
  for (const [key, items] of found) {
    const trouble = ofIntegrations(key, items);
    if (trouble !== null) troubles.push(trouble);
  }
  return troubles.sort(byWeight);
}

/** The overview's heading: what broke, as a sentence. */
export function verdictOf(connectors: readonly Connector[], integrations: readonly Integration[]): string {
  const silent = connectors.filter((connector) => connector.state === "unreachable").length;
  const count = (state: string): number => integrations.filter((item) => item.state === state).length;
  const [errors, warnings, unknown] = [count("error"), count("warning"), count("unknown")];
  const is = (n: number): string => (n === 1 ? "is" : "are");
  const parts: string[] = [];
  if (silent > 0) parts.push(`${several(silent, "connector")} ${is(silent)} unreachable.`);
  if (errors > 0) parts.push(`${several(errors, "integration")} ${is(errors)} in error.`);
  if (parts.length > 0) return parts.join(" ");
  if (connectors.length === 0) return "No connector yet.";
  if (integrations.length === 0) return "No integration yet.";
  if (warnings > 0)
    return `${several(warnings, "integration")} ${warnings === 1 ? "works" : "work"}, with a gap.`;
  if (unknown > 0) return `${several(unknown, "integration")} ${is(unknown)} unknown.`;
  return integrations.length === 1
    ? "The only integration is online."
    : `All ${integrations.length.toLocaleString("en")} integrations are online.`;
}
