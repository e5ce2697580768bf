import { useEffect, useState } from "preact/hooks";
import { get } from "../api/call.ts";
import type { Integration, Page, Transition } from "../api/shapes.ts";
import { clock, exactSpan } from "../words/ages.ts";

const DAY_MS = 86_400_000;

/** An integration's last transitions, newest first; null until they are read. Read again when its state changes. */
export function useTransitions(item: Integration | undefined): readonly Transition[] | null {
  const [list, setList] = useState<readonly Transition[] | null>(null);
  const path =
    item === undefined
      ? null
      : `/integrations/${encodeURIComponent(item.connector)}/${encodeURIComponent(item.name)}/history?limit=20`;
  useEffect(() => {
    if (path === null) return;
    const end = new AbortController();
    get<Page<Transition>>(path, end.signal).then(
      (page) => setList(page.items),
      () => {}, // the card says that there is none; the next change asks again
    );
    return () => end.abort();
  }, [path, item?.since, item?.state]);
  return list;
}

/** "Online again at 03:14:02, after 9 min 44 s.", for a day after a recovery. */
export function recoveryWords(list: readonly Transition[] | null, now: number): string | null {
  const [last, before] = list ?? [];
  if (last?.to !== "online" || last.from !== "error" || before === undefined) return null;
  const at = Date.parse(last.at);
  if (now - at > DAY_MS) return null;
  return `Online again at ${clock(at)}, after ${exactSpan(at - Date.parse(before.at))}.`;
}
