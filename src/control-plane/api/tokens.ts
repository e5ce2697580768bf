import { z } from "zod";
import { iso, isoOrNull } from "../clock.ts";
import { makeJoinToken } from "../enrolment.ts";
import { madeToken, shownAudit, shownToken } from "../shown.ts";
import type { AuditRow, JoinTokenRow } from "../store/rows.ts";
import { listOf, paging, shownPage } from "./lists.ts";
import { type ApiPlace, audit, connectorName, tellNew } from "./place.ts";
import { notFound } from "./problem.ts";
import { type Route, route } from "./route.ts";

const request = z.object({ connector: connectorName });

export function tokenRoutes(place: ApiPlace): Route[] {
  return [
    route({
      method: "post",
      path: "/tokens",
      role: "operator",
      says: "A join token for one connector: one use, one hour. The token is told this once.",
      body: request,
      status: 200,
      answer: madeToken,
      handle: async ({ body, identity }) => {
        const { id, token, expiresAt } = await makeJoinToken(place.enrolment, body.connector);
        const { actor } = identity;
        await audit(place, { actor, action: "token.create", target: body.connector, outcome: id });
        await tellNew(place, body.connector);
        return { id, token, expiresAt: iso(expiresAt) };
      },
    }),
    route({
      method: "get",
      path: "/tokens",
      role: "operator",
      says: "Join tokens, without the tokens themselves.",
      query: paging,
      status: 200,
      answer: listOf(shownToken),
      handle: ({ query }) => shownPage((page) => place.store.joinTokens(page), query, shownTokenOf),
    }),
    route({
      method: "delete",
      path: "/tokens/{id}",
      role: "operator",
      says: "Withdraws a join token. What was enrolled with it stays.",
      status: 204,
      handle: async ({ params, identity }) => {
        const id = params["id"] ?? "";
        if (!(await place.store.transact((tx) => tx.removeJoinToken(id)))) throw notFound("such join token");
        await audit(place, { actor: identity.actor, action: "token.delete", target: id, outcome: "done" });
      },
    }),
    route({
      method: "get",
      path: "/audit",
      role: "operator",
      says: "What operators did, newest first.",
      query: paging,
      status: 200,
      answer: listOf(shownAudit),
      handle: ({ query }) => shownPage((page) => place.store.audit(page), query, shownAuditOf),
    }),
  ];
}

function shownTokenOf({
  id,
  connector,
  createdAt,
  expiresAt,
  usedAt,
}: JoinTokenRow): z.infer<typeof shownToken> {
  return { id, connector, createdAt: iso(createdAt), expiresAt: iso(expiresAt), usedAt: isoOrNull(usedAt) };
}

function shownAuditOf({ at, ...rest }: AuditRow): z.infer<typeof shownAudit> {
  return { at: iso(at), ...rest };
}
