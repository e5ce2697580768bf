import { z } from "zod";
import { STATES } from "../../protocol/stages.ts";
import { printable } from "../../protocol/words.ts";
import { shownSecret } from "../shown.ts";
import type { ConnectorRow, SecretRow } from "../store/rows.ts";
import type { Page } from "../store/store.ts";
import { listOf, paging, shownPage } from "./lists.ts";
import { type ApiPlace, connectorNamed } from "./place.ts";
import { notFound } from "./problem.ts";
import { type Route, route } from "./route.ts";

const filter = paging.extend({
  connector: z.string().max(200).optional(),
  state: z.enum(STATES).optional(),
  store: z.string().max(64).optional(),
});

export function secretRoutes(place: ApiPlace): Route[] {
  return [
    route({
      method: "get",
      path: "/secrets",
      role: "viewer",
      says: "Secrets that integrations need, by connector and id. Never a value.",
      query: filter,
      status: 200,
      answer: listOf(shownSecret),
      handle: ({ query }) => list(place, query),
    }),
    route({
      method: "get",
      path: "/secrets/{connector}/{id}",
      role: "viewer",
      says: "One secret.",
      status: 200,
      answer: shownSecret,
      handle: async ({ params }) => {
        const connector = await connectorNamed(place, params["connector"]);
        const id = params["id"] ?? "";
        const row = await place.store.secret(connector.id, id);
        if (row === undefined) throw notFound(`secret ${printable(id, 130)} of connector ${connector.name}`);
        return place.view.secret(row, connector);
      },
    }),
  ];
}

async function list(place: ApiPlace, query: z.infer<typeof filter>) {
  const named = query.connector === undefined ? undefined : await connectorNamed(place, query.connector);
  const connectors = new Map<string, ConnectorRow | undefined>();
  const { state, store } = query;
  const page = await shownPage(
    (paging): Promise<Page<SecretRow>> =>
      place.store.secrets({ connectorId: named?.id, state, store }, paging),
    query,
    async (row) => {
      const { connectorId } = row;
      if (!connectors.has(connectorId))
        connectors.set(connectorId, named ?? (await place.store.connector(connectorId)));
      const connector = connectors.get(connectorId);
      return connector === undefined ? undefined : place.view.secret(row, connector);
    },
  );
  return { ...page, items: page.items.filter((item) => item !== undefined) };
}
