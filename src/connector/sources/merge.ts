import type { Item } from "../item.ts";

/** What each place where configuration can live has. */
export interface Sources {
  readonly file: readonly Item[];
  /** Named `NAME.NAMESPACE`, which no other can be. */
  readonly crd: readonly Item[];
  readonly remote: readonly Item[];
}

export interface Merged {
  readonly items: Item[];
  /** What is not looked at, because another source has that name: to be told as config_conflict. */
  readonly conflicts: Item[];
}

/** Each integration has one owner: of the same name, file wins over remote. */
export function mergeSources({ file, crd, remote }: Sources): Merged {
  const owners = new Map<string, Item>();
  const conflicts: Item[] = [];
  for (const item of [...file, ...crd, ...remote]) {
    if (owners.has(item.name)) conflicts.push(item);
    else owners.set(item.name, item);
  }
  return { items: [...owners.values()], conflicts };
}
