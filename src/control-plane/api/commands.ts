import { z } from "zod";
import { integrationName } from "../../protocol/envelope.ts";
import type { Identity } from "../access.ts";
import type { CommandRequest } from "../command-rules.ts";
import { shownCommand } from "../shown.ts";
import { integrationNamed } from "./integrations.ts";
import { type ApiPlace, audit, connectorNamed } from "./place.ts";
import { ApiProblem, notFound } from "./problem.ts";
import { type Route, route } from "./route.ts";

const asked = z.object({ commandId: z.string() });

/** An item of the configuration file; the connector itself decides what else it must be. */
const unsaved = z.looseObject({ name: integrationName, type: z.string().min(1).max(64) });

/** JSON characters of an unsaved item: it must fit a frame. */
const MOST_ITEM = 32_768;

interface Asker {
  readonly identity: Identity;
  readonly idempotency: string | null;
}

export function commandRoutes(place: ApiPlace): Route[] {
  const ofIntegration = (verb: "refresh" | "test"): Route =>
    route({
      method: "post",
      path: `/integrations/{connector}/{name}/${verb}`,
      role: "operator",
      says:
        verb === "refresh"
          ? "Has the connector re-read its secret and look now; the outcome is stored."
          : "Has the connector walk the same path; nothing is stored.",
      status: 202,
      answer: asked,
      handle: async ({ params, ...asker }) => {
        const { connector, row } = await integrationNamed(place, params);
        const kind = verb === "refresh" ? "refresh" : "integration.test";
        const resourceKey = `integrations/${row.name}`;
        const target = `${connector.name}/${row.name}`;
        return ask(place, asker, {
          connectorId: connector.id,
          kind,
          resourceKey,
          args: { integration: row.name },
          target,
        });
      },
    });
  return [
    ofIntegration("refresh"),
    ofIntegration("test"),
    route({
      method: "post",
      path: "/connectors/{name}/refresh",
      role: "operator",
      says: "Has the connector re-read its secrets and look at all of its integrations now.",
      status: 202,
      answer: asked,
      handle: async ({ params, ...asker }) => {
        const { id, name } = await connectorNamed(place, params["name"]);
        const command = { kind: "refresh", resourceKey: "connector", args: { integration: null } } as const;
        return ask(place, asker, { connectorId: id, ...command, target: name });
      },
    }),
    route({
      method: "post",
      path: "/connectors/{name}/test",
      role: "operator",
      says: "Has the connector test an integration that is not saved, within its own policy.remote.",
      body: unsaved,
      status: 202,
      answer: asked,
      handle: async ({ params, body, ...asker }) => {
        const { id, name } = await connectorNamed(place, params["name"]);
        if (JSON.stringify(body).length > MOST_ITEM)
          throw new ApiProblem(413, "too_large", `An item is at most ${MOST_ITEM} characters.`);
        const resourceKey = `tests/${body.name}`;
        const command = { kind: "integration.test", resourceKey, args: { item: body } } as const;
        return ask(place, asker, { connectorId: id, ...command, target: `${name}/${body.name}` });
      },
    }),
    route({
      method: "get",
      path: "/commands/{id}",
      role: "viewer",
      says: "How a command goes. `succeeded` means that it ran; `result` is what it found.",
      status: 200,
      answer: shownCommand,
      handle: async ({ params }) => {
        const row = await place.store.command(params["id"] ?? "");
        if (row === undefined) throw notFound("such command");
        return place.view.command(row);
      },
    }),
  ];
}

async function ask(
  place: ApiPlace,
  { identity, idempotency }: Asker,
  asking: Omit<CommandRequest, "actor" | "idempotency"> & { readonly target: string },
): Promise<{ commandId: string }> {
  const { target, ...command } = asking;
  const { actor } = identity;
  const created = await place.commands.create({ ...command, actor, idempotency });
  const outcome = typeof created === "string" ? created : created.id;
  await audit(place, { actor, action: command.kind, target, outcome });
  if (created === "too_many")
    throw new ApiProblem(429, "too_many", "256 commands wait for this connector.", { "retry-after": "10" });
  if (created === "key_reused")
    throw new ApiProblem(409, "key_reused", "This Idempotency-Key was used for another request.");
  return { commandId: created.id };
}
