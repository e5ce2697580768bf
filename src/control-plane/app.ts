import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { CONNECT_PATH, ENROL_ERRORS, ENROLL_PATH, enrolRequest } from "../protocol/enrolment.ts";
import type { Access, Identity } from "./access.ts";
import { eventStream, type EventsPlace } from "./api/events.ts";
import { openApi } from "./api/openapi.ts";
import type { ApiPlace } from "./api/place.ts";
import { plainWords } from "./api/plain-words.ts";
import { ApiProblem, notFound, problemResponse } from "./api/problem.ts";
import type { Call, Route } from "./api/route.ts";
import { connectorRoutes } from "./api/connectors.ts";
import { identityRoutes } from "./api/identities.ts";
import { integrationRoutes } from "./api/integrations.ts";
import { secretRoutes } from "./api/secrets.ts";
import { commandRoutes } from "./api/commands.ts";
import { tokenRoutes } from "./api/tokens.ts";
import { enrolRefusal } from "./enrol-refusal.ts";
import { enrol, hashOf } from "./enrolment.ts";
import { guard } from "./guard.ts";
import type { Log } from "./log.ts";
import type { Origins } from "./origin.ts";
import { pageRoutes } from "./page.ts";
import { readBody } from "./request-body.ts";
import type { SignIn } from "./sign-in.ts";
import { StoreError } from "./store/store.ts";
import type { KeyedBuckets } from "./token-bucket.ts";

type Env = { Bindings: HttpBindings };

export interface AppPlace {
  readonly api: ApiPlace;
  readonly access: Access;
  readonly signIn: SignIn;
  /** The built page's folder. */
  readonly pageDirectory: string;
  readonly origins: Origins;
  readonly events: EventsPlace;
  readonly version: string;
  readonly log: Log;
  /** Failures that one address may have. */
  readonly failures: KeyedBuckets;
  /** /livez and its like, where the main listener serves them: any Host is accepted there. */
  readonly health?: ((path: string) => Promise<Response | undefined>) | undefined;
}

/** Every route of the API, for the listener and for the printed document. */
export function apiRoutes(place: ApiPlace): Route[] {
  const all = [connectorRoutes, integrationRoutes, secretRoutes, commandRoutes, tokenRoutes, identityRoutes];
  return all.flatMap((routes) => routes(place));
}

/** Everything that the main listener answers but upgrades. */
export function createApp(place: AppPlace): Hono<Env> {
  const app = new Hono<Env>();
  app.onError((error) => answerTo(error, place.log));
  app.notFound(() => problemResponse(notFound("such page")));
  app.use(async (c, next) => {
    const healthy = await place.health?.(c.req.path);
    if (healthy !== undefined) return healthy;
    return guard(place.origins, c, next);
  });
  app.get(CONNECT_PATH, () => {
    throw new ApiProblem(426, "bad_request", "This is where connectors upgrade to a WebSocket.", {
      upgrade: "websocket",
    });
  });
  app.post(ENROLL_PATH, (c) => enrolled(place, c));
  app.use("/api/v1/*", place.signIn.guard());
  app.post("/api/v1/session", async (c, next) => {
    await next();
    if (c.res.status === 401) refuseTooMany(place, c);
  });
  app.route("/api/v1", place.signIn.routes());
  const routes = apiRoutes(place.api);
  for (const route of routes) mount(app, route, place);
  const document = openApi(routes, place.version);
  app.get("/api/v1/openapi.json", (c) => c.json(document));
  const events = eventStream(place.events);
  app.get("/api/v1/events", (c) => {
    identified(place, c, "viewer");
    return events(c);
  });
  app.route("/", pageRoutes(place.pageDirectory));
  return app;
}

function mount(app: Hono<Env>, route: Route, place: AppPlace): void {
  const path = `/api/v1${route.path.replaceAll(/\{([a-zA-Z]+)\}/g, ":$1")}`;
  app.on(route.method.toUpperCase(), path, async (c) => {
    const identity = identified(place, c, route.role);
    const answer = await route.handle(await callOf(route, c, identity));
    if (route.status === 204) return c.body(null, 204);
    return c.json(answer as object, route.status);
  });
}

async function callOf(route: Route, c: Context<Env>, identity: Identity): Promise<Call<unknown, unknown>> {
  const key = c.req.header("idempotency-key");
  if (key !== undefined && (key.length === 0 || key.length > 200))
    throw new ApiProblem(400, "bad_key", "An Idempotency-Key has 1 to 200 characters.");
  const query = parsed(route.query, c.req.query(), "query");
  const body = route.body === undefined ? undefined : parsed(route.body, await readBody(c.req.raw), "body");
  const idempotency = key === undefined ? null : hashOf(JSON.stringify([identity.actor, key]));
  return { params: c.req.param(), query, body, identity, idempotency };
}

function parsed(schema: Route["query"], value: unknown, where: string): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value, { error: plainWords });
  if (result.success) return result.data;
  const problems = result.error.issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.join(".") || where}: ${message}`);
  throw new ApiProblem(400, "invalid", problems.join("; "));
}

/** Who asks. Throws a 401 or a 403. */
function identified(place: AppPlace, c: Context<Env>, role: Route["role"]): Identity {
  const identity = place.access.identify({
    authorization: c.req.header("authorization"),
    cookie: c.req.header("cookie"),
  });
  if (identity === undefined) {
    refuseTooMany(place, c);
    throw new ApiProblem(401, "unauthorized", "Give an operator or viewer token.", {
      "www-authenticate": "Bearer",
    });
  }
  if (role === "operator" && identity.role !== "operator")
    throw new ApiProblem(403, "forbidden", "A viewer may look, not touch.");
  return identity;
}

function refuseTooMany(place: AppPlace, c: Context<Env>): void {
  if (!place.failures.take(c.env.incoming.socket.remoteAddress ?? ""))
    throw new ApiProblem(429, "rate_limited", "Too many failed attempts from this address.", {
      "retry-after": "30",
    });
}

async function enrolled(place: AppPlace, c: Context<Env>): Promise<Response> {
  const request = enrolRequest.safeParse(await readBody(c.req.raw));
  if (!request.success) {
    refuseTooMany(place, c);
    throw new ApiProblem(ENROL_ERRORS.invalid, "invalid", "Send {token, publicKeyJwk, proof}.");
  }
  const outcome = await enrol(place.api.enrolment, request.data);
  if ("error" in outcome) {
    refuseTooMany(place, c);
    place.log.info({ error: outcome.error }, "an enrolment was refused");
    const says = enrolRefusal(outcome.error, request.data.token);
    throw new ApiProblem(ENROL_ERRORS[outcome.error], outcome.error, says);
  }
  place.api.publisher.connector(outcome.answer.connectorId);
  place.log.info({ connector: outcome.answer.connector, key: outcome.answer.keyId }, "a connector enrolled");
  return c.json(outcome.answer);
}

function answerTo(error: Error, log: Log): Response {
  if (error instanceof ApiProblem) return problemResponse(error);
  if (error instanceof StoreError) {
    log.error({ err: error }, "the store failed a request");
    const says = `The store does not take this now (${error.kind}). The log says more; try again.`;
    return problemResponse(new ApiProblem(503, "unavailable", says, { "retry-after": "5" }));
  }
  log.error({ err: error }, "a request failed");
  return problemResponse(new ApiProblem(500, "internal", "Something is wrong here; the log says what."));
}
