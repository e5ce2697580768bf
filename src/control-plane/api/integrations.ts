import { z } from "zod";
import { CONDITIONS, STATES } from "../../protocol/stages.ts";
import { printable } from "../../protocol/words.ts";
import { iso } from "../clock.ts";
import { shownBucket, shownIntegration, shownTransition } from "../shown.ts";
import type { ConnectorRow, IntegrationRow, TransitionRow } from "../store/rows.ts";
import type { Page } from "../store/store.ts";
import { bucketsOf } from "./connectors.ts";
import { listOf, paging, shownPage, since } from "./lists.ts";
import { type ApiPlace, connectorNamed } from "./place.ts";
import { notFound } from "./problem.ts";
import { type Route, route } from "./route.ts";

const filter = paging.extend({
  connector: z.string().max(200).optional(),
  state: z.enum(STATES).optional(),
  type: z.string().max(64).optional(),
  condition: z.enum(CONDITIONS).optional(),
});

const between = paging.extend({
  before: z.iso.datetime({ offset: true }).optional(),
  after: z.iso.datetime({ offset: true }).optional(),
});

const PATH = "/integrations/{connector}/{name}";

/** The integration of that name behind that connector. Throws a 404. */
export async function integrationNamed(
  place: ApiPlace,
  params: Readonly<Record<string, string>>,
): Promise<{ connector: ConnectorRow; row: IntegrationRow }> {
  const connector = await connectorNamed(place, params["connector"]);
  const name = params["name"] ?? "";
  const row = await place.store.integration(connector.id, name);
  if (row === undefined) throw notFound(`integration ${printable(name, 130)} of connector ${connector.name}`);
  return { connector, row };
}

export function integrationRoutes(place: ApiPlace): Route[] {
  return [
    route({
      method: "get",
      path: "/integrations",
      role: "viewer",
      says: "Integrations, by connector and name. `state` and `condition` filter what is shown.",
      query: filter,
      status: 200,
      answer: listOf(shownIntegration),
      handle: ({ query }) => list(place, query),
    }),
    route({
      method: "get",
      path: PATH,
      role: "viewer",
      says: "One integration.",
      status: 200,
      answer: shownIntegration,
      handle: async ({ params }) => {
        const { connector, row } = await integrationNamed(place, params);
        return place.view.integration(row, connector);
      },
    }),
    route({
      method: "get",
      path: `${PATH}/history`,
      role: "viewer",
      says: "What the integration was, newest first.",
      query: between,
      status: 200,
      answer: listOf(shownTransition),
      handle: ({ params, query }) => history(place, params, query),
    }),
    route({
      method: "get",
      path: `${PATH}/samples`,
      role: "viewer",
      says: "How long its checks took, in buckets of five minutes, at most 288.",
      query: since,
      status: 200,
      answer: listOf(shownBucket),
      handle: async ({ params, query }) => {
        const { connector, row } = await integrationNamed(place, params);
        return bucketsOf(place, { connectorId: connector.id, name: row.name }, query.since);
      },
    }),
  ];
}

async function list(place: ApiPlace, query: z.infer<typeof filter>) {
  const named = query.connector === undefined ? undefined : await connectorNamed(place, query.connector);
  // Nothing is stored as connector_unreachable: that is a connector's own condition.
  const { state, type, condition } = query;
  const connectors = new Map<string, ConnectorRow | undefined>();
  const connectorOf = async (id: string): Promise<ConnectorRow | undefined> => {
    if (!connectors.has(id)) connectors.set(id, named ?? (await place.store.connector(id)));
    return connectors.get(id);
  };
  const page = await shownPage(
    (paging): Promise<Page<IntegrationRow>> =>
      place.store.integrations({ connectorId: named?.id, state, type, condition }, paging),
    query,
    async (row) => {
      const connector = await connectorOf(row.connectorId);
      return connector === undefined ? undefined : place.view.integration(row, connector);
    },
  );
  return { ...page, items: page.items.filter((item) => item !== undefined) };
}

async function history(
  place: ApiPlace,
  params: Readonly<Record<string, string>>,
  query: z.infer<typeof between>,
) {
  const connector = await connectorNamed(place, params["connector"]);
  const of = { connectorId: connector.id, name: params["name"] ?? "" };
  const times = {
    before: query.before === undefined ? undefined : Date.parse(query.before),
    after: query.after === undefined ? undefined : Date.parse(query.after),
  };
  return shownPage((page) => place.store.history(of, times, page), query, shownTransitionOf);
}

function shownTransitionOf(row: TransitionRow): z.infer<typeof shownTransition> {
  const { connectorId: _, name: __, at, ...rest } = row;
  return { at: iso(at), ...rest };
}
