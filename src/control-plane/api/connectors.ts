import type { z } from "zod";
import { iso } from "../clock.ts";
import { shownBucket, shownConnector, shownSummary } from "../shown.ts";
import type { BucketRow } from "../store/rows.ts";
import { summarize } from "../summary.ts";
import { listOf, paging, shownPage, since } from "./lists.ts";
import { type ApiPlace, audit, connectorNamed } from "./place.ts";
import { type Route, route } from "./route.ts";

const DAY_MS = 86_400_000;

/** How a bucket is shown. */
export function shownBucketOf(row: BucketRow): z.infer<typeof shownBucket> {
  const { state, count, minMs: min, medianMs: median, maxMs: max } = row;
  return { at: iso(row.at), state, count, min, median, max };
}

/** The stored buckets and the open one. */
export async function bucketsOf(
  place: ApiPlace,
  of: { connectorId: string; name: string },
  from: string | undefined,
): Promise<{ items: z.infer<typeof shownBucket>[]; next: null }> {
  const after = from === undefined ? place.clock.now() - DAY_MS : Date.parse(from);
  const stored = await place.store.buckets(of.connectorId, of.name, after);
  const open = place.samples.current(of.connectorId, of.name);
  const rows = stored.filter(({ at }) => at !== open?.at).concat(open === undefined ? [] : [open]);
  return { items: rows.slice(-288).map(shownBucketOf), next: null };
}

export function connectorRoutes(place: ApiPlace): Route[] {
  return [
    route({
      method: "get",
      path: "/summary",
      role: "viewer",
      says: "Counts by state and condition, and the troubles: what explains most first.",
      status: 200,
      answer: shownSummary,
      handle: () => summarize(place.store, place.view, place.liveness.guard),
    }),
    route({
      method: "get",
      path: "/connectors",
      role: "viewer",
      says: "All connectors, by name.",
      query: paging,
      status: 200,
      answer: listOf(shownConnector),
      handle: ({ query }) =>
        shownPage(
          (page) => place.store.connectors(page),
          query,
          (row) => place.view.connector(row),
        ),
    }),
    route({
      method: "get",
      path: "/connectors/{name}",
      role: "viewer",
      says: "One connector.",
      status: 200,
      answer: shownConnector,
      handle: async ({ params }) => place.view.connector(await connectorNamed(place, params["name"])),
    }),
    route({
      method: "get",
      path: "/connectors/{name}/heartbeats",
      role: "viewer",
      says: "Heartbeats in buckets of five minutes, at most 288: how long their answers took.",
      query: since,
      status: 200,
      answer: listOf(shownBucket),
      handle: async ({ params, query }) => {
        const { id } = await connectorNamed(place, params["name"]);
        return bucketsOf(place, { connectorId: id, name: "" }, query.since);
      },
    }),
    route({
      method: "post",
      path: "/connectors/{name}/revoke",
      role: "operator",
      says: "Revokes the connector's key and closes its session. It may enrol again with a new join token, or once its identity is registered anew.",
      status: 204,
      handle: ({ params, identity }) => revoke(place, params["name"], identity.actor),
    }),
    route({
      method: "delete",
      path: "/connectors/{name}",
      role: "operator",
      says: "Removes the connector and all that is known of it.",
      status: 204,
      handle: ({ params, identity }) => remove(place, params["name"], identity.actor),
    }),
  ];
}

async function revoke(place: ApiPlace, name: string | undefined, actor: string): Promise<undefined> {
  const { id } = await connectorNamed(place, name);
  await place.store.transact(async (tx) => {
    const row = await tx.connector(id);
    if (row === undefined) return;
    // Again counts anew: an account that was registered since the last time is meant as well.
    await tx.putConnector({ ...row, nextKey: null, revokedAt: place.clock.now() });
  });
  place.hub.revoked(id, "revoked");
  place.publisher.connector(id);
  await audit(place, { actor, action: "connector.revoke", target: name ?? "", outcome: "done" });
}

async function remove(place: ApiPlace, name: string | undefined, actor: string): Promise<undefined> {
  const { id } = await connectorNamed(place, name);
  await place.store.transact((tx) => tx.removeConnector(id));
  place.hub.revoked(id, "mustEnrol");
  place.commands.forget(id);
  place.samples.forget(id);
  place.publisher.removed(id, name ?? "");
  await audit(place, { actor, action: "connector.delete", target: name ?? "", outcome: "done" });
}
