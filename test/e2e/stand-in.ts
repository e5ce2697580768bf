import { createHash, randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import type { Command, Connector, Integration, JoinToken } from "../../src/control-plane/web/api/shapes.ts";
import { pageDirectory, pageRoutes } from "../../src/control-plane/page.ts";
import { SignIn } from "../../src/control-plane/sign-in.ts";
import { connector, historyFor, makeWorld, samplesFor, walked, type World } from "./fixtures.ts";

interface Event {
  readonly id: number;
  readonly name: string;
  readonly data: string;
}

/** A control plane in memory: the REST and the events of the real one, fed with fixtures. For tests and for work on the page. */
export class StandIn {
  readonly world: World;
  readonly signIn: SignIn;
  readonly operator = "operator-token-of-the-stand-in";
  readonly viewer = "viewer-token-of-the-stand-in";
  readonly origin: string;
  /** ms between the stages of a command. */
  stageMs = 120;
  readonly #port: number;
  readonly #app: Hono;
  readonly #tokens = new Map<string, JoinToken>();
  readonly #commands = new Map<string, Command>();
  #server: Server | null = null;
  #events: Event[] = [];
  #next = 1;
  #wake = new Set<() => void>();

  /** On a free port of loopback. */
  static async open(total: number): Promise<StandIn> {
    const probe = createServer();
    await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
    const { port } = probe.address() as AddressInfo;
    await new Promise((resolve) => probe.close(resolve));
    const standIn = new StandIn(total, port);
    await standIn.start();
    return standIn;
  }

  constructor(total: number, port: number) {
    this.world = makeWorld(total);
    this.#port = port;
    this.origin = `http://127.0.0.1:${port}`;
    const hash = (token: string): Buffer => createHash("sha256").update(token).digest();
    this.signIn = new SignIn({
      hashes: { operator: hash(this.operator), viewer: hash(this.viewer) },
      origin: this.origin,
      isOrigin: (origin) => origin === this.origin,
      now: Date.now,
      about: {
        version: "1.4.2",
        controlPlane: "https://mooring.acme.example",
        chart: "oci://registry.acme.example/mooring-connector",
      },
    });
    this.#app = this.#routes();
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server = serve({ fetch: this.#app.fetch, port: this.#port, hostname: "127.0.0.1" }, () =>
        resolve(),
      ) as Server;
    });
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === null) return;
    this.#server = null;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  /** Changes an integration and tells it. */
  tell(item: Integration): void {
    this.world.integrations.set(`${item.connector}/${item.name}`, item);
    this.publish("integration", item);
  }

  tellConnector(one: Connector): void {
    this.world.connectors.set(one.name, one);
    this.publish("connector", one);
  }

  remove(key: string): void {
    const item = this.world.integrations.get(key);
    this.world.integrations.delete(key);
    this.publish("integration", { connector: item?.connector, name: item?.name, removed: true });
  }

  publish(name: string, data: unknown): void {
    this.#events.push({ id: this.#next, name, data: JSON.stringify(data) });
    this.#next += 1;
    this.#events = this.#events.slice(-2000);
    for (const wake of this.#wake) wake();
    this.#wake.clear();
  }

  #routes(): Hono {
    const api = new Hono();
    api.use(this.signIn.guard());
    api.route("/", this.signIn.routes());
    api.use(async (c, next) => {
      const bearer = /^Bearer (.+)$/.exec(c.req.header("authorization") ?? "")?.[1];
      const role =
        bearer === undefined ? this.signIn.sessionOf(c.req.header("cookie")) : this.signIn.roleOf(bearer);
      const refuse = (status: 401 | 403, title: string) =>
        c.json({ type: "about:blank", title, status, detail: "" }, status, {
          "content-type": "application/problem+json",
        });
      if (role === null) return refuse(401, "Unauthorized");
      if (role !== "operator" && (c.req.method !== "GET" || c.req.path.endsWith("/tokens")))
        return refuse(403, "A viewer may look, not touch");
      return next();
    });
    this.#lists(api);
    this.#tokenRoutes(api);
    this.#commandRoutes(api);
    this.#eventRoute(api);
    const app = new Hono();
    app.route("/api/v1", api);
    app.route("/", pageRoutes(pageDirectory(import.meta.url)));
    app.notFound((c) => c.json({ type: "about:blank", title: "Not Found", status: 404, detail: "" }, 404));
    return app;
  }

  #lists(api: Hono): void {
    const page = <T>(all: readonly T[], query: Record<string, string>) => {
      const limit = Math.min(500, Number(query["limit"] ?? 100));
      const from = Number(query["cursor"] ?? 0);
      return {
        items: all.slice(from, from + limit),
        next: from + limit < all.length ? String(from + limit) : null,
      };
    };
    const { connectors, integrations } = this.world;
    api.get("/connectors", (c) => c.json(page([...connectors.values()], c.req.query())));
    api.get("/connectors/:name", (c) => c.json(connectors.get(c.req.param("name")) ?? null));
    api.get("/connectors/:name/heartbeats", (c) => {
      const at = connectors.get(c.req.param("name"))?.lastHeartbeatAt ?? null;
      const bucket = { state: "online", count: 9, min: 1, median: 1, max: 1 };
      return c.json({ items: at === null ? [] : [{ at, ...bucket }], next: null });
    });
    api.post("/connectors/:name/revoke", (c) => {
      const one = connectors.get(c.req.param("name"));
      if (one === undefined) return c.body(null, 404);
      const message = `Connector ${one.name} is revoked.`;
      this.tellConnector({ ...one, state: "offline", message, revokedAt: new Date().toISOString() });
      return c.body(null, 204);
    });
    api.delete("/connectors/:name", (c) => {
      const name = c.req.param("name");
      connectors.delete(name);
      this.publish("connector", { name, removed: true });
      return c.body(null, 204);
    });
    const { secrets } = this.world;
    api.get("/secrets", (c) => c.json(page([...secrets.values()], c.req.query())));
    api.get("/integrations", (c) => {
      const { state } = c.req.query();
      return c.json(
        page(
          [...integrations.values()].filter((item) => state === undefined || item.state === state),
          c.req.query(),
        ),
      );
    });
    const of = (c: { req: { param(): Record<string, string> } }): Integration | undefined => {
      const { connector: owner, name } = c.req.param();
      return integrations.get(`${owner}/${name}`);
    };
    api.get("/integrations/:connector/:name", (c) => c.json(of(c) ?? null, of(c) === undefined ? 404 : 200));
    api.get("/integrations/:connector/:name/samples", (c) => {
      const item = of(c);
      return c.json({ items: item === undefined ? [] : samplesFor(item), next: null });
    });
    api.get("/integrations/:connector/:name/history", (c) => {
      const item = of(c);
      return c.json({ items: item === undefined ? [] : historyFor(item), next: null });
    });
  }

  #tokenRoutes(api: Hono): void {
    api.get("/tokens", (c) => c.json({ items: [...this.#tokens.values()], next: null }));
    api.post("/tokens", async (c) => {
      const { connector: name } = await c.req.json<{ connector: string }>();
      const id = randomUUID();
      const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
      this.#tokens.set(id, {
        id,
        connector: name,
        createdAt: new Date().toISOString(),
        expiresAt,
        usedAt: null,
      });
      if (!this.world.connectors.has(name))
        this.tellConnector(
          connector(name, {
            state: "never_connected",
            reason: "never_connected",
            lastHeartbeatAt: null,
            version: null,
            install: null,
            message: `Connector ${name} has never connected.`,
          }),
        );
      return c.json({ id, token: `mjt_${randomUUID().replaceAll("-", "")}`, expiresAt });
    });
    api.delete("/tokens/:id", (c) => {
      this.#tokens.delete(c.req.param("id"));
      return c.body(null, 204);
    });
  }

  #commandRoutes(api: Hono): void {
    api.get("/commands/:id", (c) => c.json(this.#commands.get(c.req.param("id")) ?? null));
    api.post("/integrations/:connector/:name/:verb{refresh|test}", (c) => {
      const { connector: owner, name, verb } = c.req.param();
      const item = this.world.integrations.get(`${owner}/${name}`);
      if (item === undefined)
        return c.json({ type: "about:blank", title: "Not Found", status: 404, detail: "" }, 404);
      return c.json({ commandId: this.#run(verb, item, verb === "refresh") }, 202);
    });
    api.post("/connectors/:name/refresh", (c) => {
      const id = randomUUID();
      this.#commands.set(id, {
        id,
        kind: "refresh",
        state: "succeeded",
        stages: [],
        result: null,
        refreshed: 24,
      });
      return c.json({ commandId: id }, 202);
    });
    api.post("/connectors/:name/test", async (c) => {
      const item = await c.req.json<{
        name: string;
        type: string;
        secret?: { name?: string; fields?: Record<string, string> };
      }>();
      return c.json(
        { commandId: this.#run("integration.test", unsavedOutcome(c.req.param("name"), item), false) },
        202,
      );
    });
  }

  /** Walks the stages of what an item is now, one event a stage. */
  #run(kind: string, item: Integration, isKept: boolean): string {
    const id = randomUUID();
    const put = (command: Command): void => {
      this.#commands.set(id, command);
      this.publish("command", command);
    };
    put({ id, kind, state: "accepted", stages: [], result: null });
    let at = 0;
    const step = (): void => {
      at += 1;
      const stages = item.stages.slice(0, at);
      if (at <= item.stages.length) {
        put({ id, kind, state: "accepted", stages, result: null });
        setTimeout(step, this.stageMs);
        return;
      }
      const looked = { ...item, checkedAt: new Date().toISOString() };
      if (isKept) this.tell(looked);
      put({ id, kind, state: "succeeded", stages, result: looked });
    };
    setTimeout(step, this.stageMs);
    return id;
  }

  #eventRoute(api: Hono): void {
    api.get("/events", (c) =>
      streamSSE(c, async (stream) => {
        let last = Number(c.req.header("last-event-id") ?? this.#next - 1);
        const isOver = (): boolean => stream.aborted || stream.closed;
        await stream.write(": welcome\n\n");
        while (!isOver()) {
          for (const event of this.#events.filter(({ id }) => id > last)) {
            await stream.writeSSE({ event: event.name, data: event.data, id: String(event.id) });
            last = event.id;
          }
          await new Promise<void>((resolve) => {
            this.#wake.add(resolve);
            stream.onAbort(resolve);
          });
        }
      }),
    );
  }
}

/** What a test of the form finds: a field that the secret calls otherwise, until it is mapped. */
function unsavedOutcome(
  owner: string,
  item: { name: string; type: string; secret?: { name?: string; fields?: Record<string, string> } },
): Integration {
  const path = ["resolve", "connect", "tls", "secret", "respond", "authenticate", "authorize"];
  const base = { ...historyless(owner, item), path, stages: walked(path) };
  if (item.secret?.fields?.["password"] === "pass") return base;
  return {
    ...base,
    state: "error",
    condition: "secret_invalid",
    stage: "secret",
    reason: "secret_field_missing",
    message: `Secret ${item.secret?.name ?? item.name} is invalid.`,
    cause: `Secret ${item.secret?.name ?? item.name} has no field password; it has pass, which may be the same.`,
    remedy: [
      {
        text: `Add the field password to the secret, or map it: set secret.fields.password of ${item.name} to pass.`,
        command: null,
      },
    ],
    stages: walked(path, "secret", "secret_field_missing"),
  };
}

function historyless(owner: string, item: { name: string; type: string }): Integration {
  const [first] = makeWorld(20).integrations.values();
  if (first === undefined) throw new Error("the fixtures are empty");
  return {
    ...first,
    name: item.name,
    type: item.type,
    connector: owner,
    state: "online",
    condition: null,
    stage: null,
    reason: null,
    cause: null,
    remedy: [],
    findings: [],
    blockedBy: null,
    message: `Integration ${item.name} is online.`,
    coverage: [
      "That grants work. The rights they need are asked of PostgreSQL at authorize, without using them.",
    ],
  };
}

// For work on the page: node test/e2e/stand-in.ts [INTEGRATIONS] [PORT]
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const standIn = new StandIn(Number(process.argv[2] ?? 226), Number(process.argv[3] ?? 7480));
  await standIn.start();
  console.log(
    `${standIn.origin}/sign-in#link=${standIn.signIn.makeLink()}\noperator token: ${standIn.operator}`,
  );
}
