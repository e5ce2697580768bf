import type { State } from "../../../protocol/stages.ts";
import type { Integration } from "../api/shapes.ts";

export const GROUPINGS = ["connector", "reason", "type"] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** What the overview shows of all integrations; the address holds it. */
export interface Filter {
  readonly states: readonly State[];
  readonly type: string | null;
  readonly name: string;
  /** One connector's alone. */
  readonly connector: string | null;
  readonly group: Grouping;
}

const KNOWN: readonly string[] = ["error", "warning", "unknown", "online"];

/** Reads a filter from what follows the path; unknown words are passed over. */
export function filterOf(search: string): Filter {
  const asked = new URLSearchParams(search);
  const states = (asked.get("state") ?? "").split(",").filter((word): word is State => KNOWN.includes(word));
  const group = GROUPINGS.find((word) => word === asked.get("group")) ?? "connector";
  return {
    states,
    type: asked.get("type"),
    name: asked.get("q") ?? "",
    connector: asked.get("connector"),
    group,
  };
}

/** The other way: "" where nothing is filtered. */
export function searchOf(filter: Filter): string {
  const parts: string[] = [];
  if (filter.states.length > 0) parts.push(`state=${filter.states.join(",")}`);
  if (filter.type !== null) parts.push(`type=${encodeURIComponent(filter.type)}`);
  if (filter.name !== "") parts.push(`q=${encodeURIComponent(filter.name)}`);
  if (filter.connector !== null) parts.push(`connector=${encodeURIComponent(filter.connector)}`);
  if (filter.group !== "connector") parts.push(`group=${filter.group}`);
  return parts.length === 0 ? "" : `?${parts.join("&")}`;
}

/** True where the filter leaves something out. */
export function isFiltering(filter: Filter): boolean {
  return filter.states.length > 0 || filter.type !== null || filter.name !== "" || filter.connector !== null;
}

/** What a filter asks for, in words: "error and kafka". */
export function filterWords(filter: Filter): string {
  const parts = [
    filter.states.join(" or "),
    filter.type ?? "",
    filter.connector ?? "",
    filter.name === "" ? "" : `“${filter.name}”`,
  ];
  return parts.filter((part) => part !== "").join(" and ");
}

/** Those that match by all but their state: what the chips count. */
export function matchingButState(items: readonly Integration[], filter: Filter): readonly Integration[] {
  const wanted = filter.name.toLowerCase();
  if (wanted === "" && filter.type === null && filter.connector === null) return items;
  return items.filter(
    (item) =>
      (filter.type === null || item.type === filter.type) &&
      (filter.connector === null || item.connector === filter.connector) &&
      (wanted === "" || item.name.includes(wanted) || item.address.toLowerCase().includes(wanted)),
  );
}

/** Those of the states asked for; all where none is. */
export function ofStates(items: readonly Integration[], states: readonly State[]): readonly Integration[] {
  return states.length === 0 ? items : items.filter((item) => states.includes(item.state));
}
