import { useEffect, useRef } from "preact/hooks";
import { get } from "../api/call.ts";
import type { Connector, Integration, Page } from "../api/shapes.ts";
import { apply, connectors, integrationCell } from "./fleet.ts";
import { integrationHref } from "./hrefs.ts";
import { link } from "./link.ts";
import { now } from "./now.ts";

/** A change is an event; a look that changed nothing is none. What is on the screen is therefore asked for when due. */
const LOOK_EVERY_MS = 3000;
const DUE_AFTER_MS = 1500;
const ASK_AGAIN_MS = 20_000;
const AT_MOST = 8;
const HEARTBEATS_EVERY_MS = 15_000;
const LEAST_EVERY_MS = 5000;

const asked = new Map<string, number>();

function isDue(item: Integration, at: number): boolean {
  if (item.nextCheckAt === null || Date.parse(item.nextCheckAt) + DUE_AFTER_MS > at) return false;
  return at - (asked.get(integrationHref(item)) ?? 0) > ASK_AGAIN_MS;
}

function ask(item: Integration, at: number): void {
  const path = integrationHref(item);
  asked.set(path, at);
  get<Integration>(path).then(
    (fresh) => apply({ integrations: [fresh] }, at),
    () => {}, // the stream tells of a removal and of a loss
  );
}

/** Keeps the ages of the integrations on the screen true. */
export function useFresh(lines: readonly { readonly id: string }[]): void {
  const shown = useRef(lines);
  shown.current = lines;
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState !== "visible" || link.peek().kind !== "live") return;
      const at = now.peek();
      const due: Integration[] = [];
      for (const { id } of shown.current) {
        const item = integrationCell(id)?.peek();
        if (item !== undefined && isDue(item, at)) due.push(item);
      }
      for (const item of due.slice(0, AT_MOST)) ask(item, at);
    }, LOOK_EVERY_MS);
    return () => clearInterval(timer);
  }, []);
}

/** Reads the connectors' last heartbeats as often as they come. */
export function followHeartbeats(): void {
  const every = Math.min(HEARTBEATS_EVERY_MS, ...connectors.peek().map(({ heartbeatMs }) => heartbeatMs));
  setTimeout(followHeartbeats, Math.max(LEAST_EVERY_MS, every));
  if (document.visibilityState !== "visible" || link.peek().kind !== "live") return;
  get<Page<Connector>>("/connectors?limit=500").then(
    (page) => apply({ connectors: page.items }, now.peek()),
    () => {}, // the stream says what is lost
  );
}
