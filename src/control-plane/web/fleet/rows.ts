import type { State } from "../../../protocol/stages.ts";
import type { Connector, Integration } from "../api/shapes.ts";
import { STATE_ORDER, connectorGap, counted, several, spoken, typeName } from "../words/names.ts";
import type { Filter } from "./filter.ts";
import { keyOf } from "./fleet.ts";

/** Integrations that stand under one heading. */
export interface Group {
  readonly key: string;
  readonly title: string;
  readonly connector: Connector | null;
  readonly members: readonly Integration[];
  readonly counts: Readonly<Record<State, number>>;
}

/** One line of the table. */
export type Line =
  | { readonly kind: "group"; readonly id: string; readonly group: Group; readonly open: boolean }
  | { readonly kind: "row"; readonly id: string; readonly group: string }
  | {
      readonly kind: "fold";
      readonly id: string;
      readonly group: string;
      readonly text: string;
      readonly open: boolean;
    };

const SHOWN_UNKNOWN = 3;
const SHOWN_CALM_GROUPS = 2;
const FOLD_FROM = 2;

function rank(item: Integration): number {
  return STATE_ORDER.indexOf(item.state);
}

/** Errors first, and of one state by name. */
export function byNeed(a: Integration, b: Integration): number {
  return rank(a) - rank(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

function headingOf(item: Integration, filter: Filter): readonly [string, string] {
  if (filter.group === "type") return [item.type, typeName(item.type)];
  if (filter.group === "connector") return [item.connector, item.connector];
  return item.reason === null ? ["", "No trouble"] : [item.reason, spoken(item.reason)];
}

/** Groups what is shown; the group that needs most comes first. */
export function groupsOf(
  items: readonly Integration[],
  connectors: readonly Connector[],
  filter: Filter,
  withEmpty: boolean,
): Group[] {
  const found = new Map<string, { title: string; members: Integration[]; counts: Record<State, number> }>();
  const none = (): Record<State, number> => ({ error: 0, warning: 0, unknown: 0, online: 0 });
  const named = new Map(connectors.map((connector) => [connector.name, connector]));
  if (withEmpty && filter.group === "connector")
    for (const { name } of connectors) found.set(name, { title: name, members: [], counts: none() });
  for (const item of items) {
    const [key, title] = headingOf(item, filter);
    let group = found.get(key);
    if (group === undefined) found.set(key, (group = { title, members: [], counts: none() }));
    group.members.push(item);
    group.counts[item.state] += 1;
  }
  return [...found]
    .map(([key, group]) => ({
      key,
      ...group,
      members: group.members.sort(byNeed),
      connector: filter.group === "connector" ? (named.get(key) ?? null) : null,
    }))
    .sort((a, b) => need(b) - need(a) || a.title.localeCompare(b.title));
}

function need(group: Group): number {
  if (group.counts.error > 0) return 3;
  if (group.connector?.state === "unreachable" || group.counts.unknown > 0) return 2;
  const isGap =
    group.connector !== null &&
    (group.connector.revokedAt !== null || connectorGap(group.connector) !== null);
  return group.counts.warning > 0 || isGap ? 1 : 0;
}

/** "1 error, 2 warnings, 21 online". */
export function countWords(counts: Readonly<Record<State, number>>): string {
  const parts = STATE_ORDER.filter((state) => counts[state] > 0).map((state) =>
    counted(counts[state], state),
  );
  return parts.length === 0 ? "no integration" : parts.join(", ");
}

/** The slowest of those that passed, by the whole time of their stages. */
function slowest(items: readonly Integration[]): string {
  let worst: Integration | null = null;
  let most = -1;
  for (const item of items) {
    let ms = 0;
    for (const stage of item.stages) ms += stage.ms;
    if (ms > most) [worst, most] = [item, ms];
  }
  return worst === null ? "" : `, slowest ${worst.name} at ${Math.round(most)} ms`;
}

function foldText(hidden: readonly Integration[], shown: number): string {
  const state = hidden[0]?.state;
  if (state !== "unknown")
    return `${several(hidden.length, "integration").replace(/ integrations?$/, "")} online${slowest(hidden)}`;
  const allOnline = hidden.every((item) => item.lastKnown?.state === "online");
  return `${hidden.length} ${shown > 0 ? "more " : ""}unknown${allOnline ? ", all last known online" : ""}`;
}

function linesOfGroup(group: Group, opened: ReadonlyMap<string, boolean>, unfold: boolean): Line[] {
  const isOpen = opened.get(group.key) ?? (unfold || need(group) > 0);
  const lines: Line[] = [{ kind: "group", id: `group ${group.key}`, group, open: isOpen }];
  if (!isOpen) return lines;
  const rows = (items: readonly Integration[]): void => {
    for (const item of items) lines.push({ kind: "row", id: keyOf(item), group: group.key });
  };
  if (unfold) {
    rows(group.members);
    return lines;
  }
  rows(group.members.filter((item) => item.state === "error" || item.state === "warning"));
  for (const state of ["unknown", "online"] as const) {
    const all = group.members.filter((item) => item.state === state);
    const shown = state === "unknown" ? SHOWN_UNKNOWN : all.length < FOLD_FROM ? all.length : 0;
    const hidden = all.slice(shown);
    rows(all.slice(0, shown));
    if (hidden.length === 0) continue;
    const id = `fold ${group.key} ${state}`;
    const open = opened.get(id) ?? false;
    lines.push({ kind: "fold", id, group: group.key, text: foldText(hidden, shown), open });
    if (open) rows(hidden);
  }
  return lines;
}

/** The lines of the table. Well groups beyond the first few fold into one line, unless something is filtered. */
export function linesOf(
  groups: readonly Group[],
  opened: ReadonlyMap<string, boolean>,
  unfold: boolean,
): Line[] {
  const lines: Line[] = [];
  const calm = unfold ? [] : groups.filter((group) => need(group) === 0);
  const folded = calm.length > SHOWN_CALM_GROUPS + 1 ? calm.slice(SHOWN_CALM_GROUPS) : [];
  const hidden = new Set(folded);
  for (const group of groups) if (!hidden.has(group)) lines.push(...linesOfGroup(group, opened, unfold));
  if (folded.length === 0) return lines;
  const id = "fold rest";
  const open = opened.get(id) ?? false;
  const online = folded.reduce((sum, group) => sum + group.counts.online, 0);
  const allConnected = folded.every((group) => group.connector?.state === "connected");
  const text = `${folded.length} more${folded[0]?.connector === null ? "" : " connectors"}${allConnected ? ", all connected" : ""}: ${online.toLocaleString("en")} online`;
  lines.push({ kind: "fold", id, group: "", text, open });
  if (open) for (const group of folded) lines.push(...linesOfGroup(group, opened, unfold));
  return lines;
}
