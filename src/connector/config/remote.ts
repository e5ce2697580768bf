import type { Item, Problem, RemotePolicy } from "../item.ts";
import type { Kinds, Stores } from "./context.ts";
import { judgeForeignItem } from "./foreign.ts";
import { allowsPlace, placeText } from "./target-policy.ts";

/** Judges one item that the control plane sent, by the local policy. */
export function judgeRemoteItem(
  value: unknown,
  policy: RemotePolicy,
  kinds: Kinds,
  stores?: Stores,
): Promise<Item | readonly Problem[]> {
  const asker = {
    source: "remote",
    file: "(control plane)",
    words: { asker: "the control plane", section: "remote" },
    targets: policy.targets,
    secretTrouble: ({ store, name }, place) => {
      const rule = policy.secrets.find((each) => each.store === store && each.name === name);
      if (rule !== undefined && allowsPlace(rule.targets, place)) return undefined;
      return { forbiddenSecret: `${store}: ${name}`, target: placeText(place) };
    },
  } satisfies Parameters<typeof judgeForeignItem>[1];
  return judgeForeignItem(value, asker, kinds, stores);
}
