import { z } from "zod";
import { isLoopback } from "../../protocol/loopback.ts";
import { iso, isoOrNull } from "../clock.ts";
import { register, type Registration } from "../identities.ts";
import { jwksBody, readPublicKeys } from "../public-jwks.ts";
import { shownIdentity, type ShownIdentity } from "../shown.ts";
import type { IdentityRow } from "../store/rows.ts";
import { listOf, paging, shownPage } from "./lists.ts";
import { type ApiPlace, audit, connectorName, tellNew } from "./place.ts";
import { ApiProblem, notFound } from "./problem.ts";
import { type Route, route } from "./route.ts";

const SUBJECT =
  /^system:serviceaccount:[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?:[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?$/;

const ISSUER_WORDS =
  "must be the https:// URL that the cluster's /.well-known/openid-configuration names as its issuer";

/** OpenID Discovery 1.0 §2 knows https alone; plain is taken where it stays on this machine. */
function isIssuer(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url.hostname));
}

const request = z.strictObject({
  connector: connectorName,
  issuer: z
    .string()
    .regex(/^[\x21-\x7e]{1,500}$/, { error: ISSUER_WORDS, abort: true })
    .refine(isIssuer, ISSUER_WORDS)
    .describe("iss of the tokens, exactly: the issuer of the cluster's /.well-known/openid-configuration"),
  subject: z
    .string()
    .regex(SUBJECT, "must be system:serviceaccount:NAMESPACE:NAME")
    .describe("sub of the tokens: system:serviceaccount:NAMESPACE:NAME"),
  jwks: jwksBody.optional().describe("the cluster's public keys: what its /openid/v1/jwks answers"),
  review: z.literal(true).optional().describe("in place of jwks: ask the cluster of the control plane"),
});
type Wish = z.infer<typeof request>;

export function identityRoutes(place: ApiPlace): Route[] {
  return [
    route({
      method: "post",
      path: "/connector-identities",
      role: "operator",
      says: "Lets a Kubernetes ServiceAccount enrol as a connector, without a join token. Again for the same connector and account: replaces it.",
      body: request,
      status: 200,
      answer: shownIdentity,
      handle: async ({ body, identity: { actor } }) => {
        const made = await register(place, await registrationOf(place, body));
        if ("taken" in made) throw taken(made.taken);
        const { id, connector } = made.identity;
        await audit(place, { actor, action: "connector-identity.add", target: connector, outcome: id });
        await tellNew(place, connector);
        return shown(place, made.identity);
      },
    }),
    route({
      method: "get",
      path: "/connector-identities",
      role: "operator",
      says: "ServiceAccounts that may enrol as connectors.",
      query: paging,
      status: 200,
      answer: listOf(shownIdentity),
      handle: ({ query }) =>
        shownPage(
          (page) => place.store.identities(page),
          query,
          (row) => shown(place, row),
        ),
    }),
    route({
      method: "delete",
      path: "/connector-identities/{id}",
      role: "operator",
      says: "Lets a ServiceAccount enrol no more. What it enrolled stays: revoke the connector to end that.",
      status: 204,
      handle: async ({ params, identity: { actor } }) => {
        const id = params["id"] ?? "";
        if (!(await place.store.transact((tx) => tx.removeIdentity(id)))) throw notFound("such identity");
        await audit(place, { actor, action: "connector-identity.remove", target: id, outcome: "done" });
      },
    }),
  ];
}

/** Judges what is asked for. Throws a 400, or a 409 where the own cluster cannot be asked. */
async function registrationOf(place: ApiPlace, { jwks, review, ...account }: Wish): Promise<Registration> {
  if ((jwks === undefined) === (review === undefined))
    throw new ApiProblem(400, "invalid", "Give either jwks or review: true.");
  if (jwks === undefined) {
    const trouble = await place.enrolment.cluster.trouble(account.issuer);
    if (trouble !== undefined) throw new ApiProblem(409, "no_review", trouble);
    return { ...account, jwks: null };
  }
  const read = await readPublicKeys(jwks);
  if ("problem" in read) throw new ApiProblem(400, "invalid", `${read.problem}.`);
  return { ...account, jwks: read.jwks };
}

function taken(connector: string): ApiProblem {
  const says = `That ServiceAccount enrols connector ${connector} already: remove that identity first.`;
  return new ApiProblem(409, "taken", says);
}

function shown(place: ApiPlace, row: IdentityRow): ShownIdentity {
  const { id, connector, issuer, subject, jwks, createdAt, usedAt } = row;
  return {
    ...{ id, connector, issuer, subject },
    review: jwks === null,
    keys: jwks?.keys.map(({ kid = "" }) => kid) ?? [],
    audience: place.enrolment.audiences[0],
    createdAt: iso(createdAt),
    usedAt: isoOrNull(usedAt),
  };
}
