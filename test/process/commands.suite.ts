import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refusedPort, silent, type Target } from "../fake/targets.ts";
import { Events } from "./events.ts";
import {
  Agent,
  eventually,
  Plane,
  Program,
  ran,
  type ShownConnector,
  type ShownIntegration,
  statusOf,
  tcp,
} from "./programs.ts";

const SCALE = 0.05;

describe.concurrent("commands and API", () => {
  const parts = new AsyncDisposableStack();
  let plane: Plane;
  let agent: Agent;
  let up: Target;
  let down: Target;

  beforeAll(async () => {
    up = parts.use(await silent());
    down = parts.use(await refusedPort());
    plane = parts.use(await Plane.start({ scale: SCALE }));
    const integrations = [tcp("works", up.port), tcp("fails", down.port)];
    agent = parts.use(await Agent.of(plane, "prod", { integrations }));
    const isSettled = ({ integrations: { online, error } }: ShownConnector): boolean =>
      online === 1 && error === 1;
    await plane.until("/connectors/prod", isSettled);
  });
  afterAll(() => parts.disposeAsync());

  const asked = (...args: readonly string[]): ReturnType<typeof ran> => ran([...args, ...plane.flags]);

  test("refresh and test of one integration show the stages, and end with what they found", async () => {
    const [works, fails] = await Promise.all([asked("refresh", "prod/works"), asked("test", "prod/fails")]);
    expect(works).toMatchObject({ code: 0, stderr: "" });
    expect(works.stdout).toMatch(
      /^ {2}✓ resolve +[\d.]+ ms\n {2}✓ connect +[\d.]+ ms\n\n✓ works {2}tcp {2}127\.0\.0\.1:\d+ {2}online\n/,
    );
    expect(fails).toMatchObject({ code: 1, stderr: "" });
    expect(fails.stdout).toMatch(
      /^ {2}✓ resolve +[\d.]+ ms\n {2}✗ connect +[\d.]+ ms {2}connection_refused\n\n✗ fails /,
    );
    expect(fails.stdout).toContain("  Integration fails is unreachable.\n");
    expect(fails.stdout).toContain("  What to do\n  1. ");
  });

  test("refresh of a whole connector shows what each came to", async () => {
    const { code, stdout, stderr } = await asked("refresh", "prod");
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^✓ prod {2}connected {2}last heard \S+\n {2}✗ fails .*\n {2}✓ works .*\n$/);
    expect(code).toBe(1);
    const json = await asked("refresh", "prod", "--json");
    expect(JSON.parse(json.stdout)).toMatchObject({ kind: "refresh", state: "succeeded", refreshed: 2 });
    expect(json.code).toBe(1);
  });

  test("what nobody knows of is wrong use", async () => {
    const wrong: readonly (readonly [line: string, says: string])[] = [
      ["refresh prod/none", "There is no integration prod/none; mooring status shows what there is\n"],
      ["status nobody", "There is no connector nobody; mooring status shows what there is\n"],
      ["test prod", 'mooring test: "prod" names no integration; write CONNECTOR/INTEGRATION\n'],
      ["status a/b/c", 'mooring status: "a/b/c" is not a place; write CONNECTOR or CONNECTOR/INTEGRATION\n'],
      ["token make prod", 'mooring token: there is no "make"; write mooring token create CONNECTOR\n'],
    ];
    for (const [line, says] of wrong)
      expect(await asked(...line.split(" "))).toMatchObject({ code: 2, stdout: "", stderr: says });
  });

  test("a control plane that is not there, and a token that it does not know", async () => {
    const gone = `http://127.0.0.1:${down.port}`;
    const [away, stranger] = await Promise.all([
      ran(["status", "--control-plane", gone, "--token-file", plane.tokenFile]),
      (async () => {
        const file = join(plane.dir, "stranger");
        await writeFile(file, "a-token-that-nobody-knows");
        return ran(["status", "--control-plane", plane.url, "--token-file", file]);
      })(),
    ]);
    expect(away).toMatchObject({
      code: 1,
      stdout: "",
      stderr: `The control plane ${gone} could not be reached (ECONNREFUSED); start it, or correct --control-plane.\n`,
    });
    expect(stranger).toMatchObject({
      code: 1,
      stdout: "",
      stderr: `${plane.url} does not know this token; name the right --token-file.\n`,
    });
  });

  test("a command for a connector that is away ends as expired", async () => {
    await using away = await Agent.of(plane, "away", { integrations: [tcp("works", up.port)] });
    await plane.until<ShownIntegration>("/integrations/away/works", ({ state }) => state === "online");
    await away.program.stop();
    const { code, stdout, stderr } = await asked("refresh", "away/works");
    expect(stdout).toBe(
      "The command expired: the connector did not take it in time; mooring status says where it is.\n",
    );
    expect(stderr).toMatch(/^away is (offline|restarting): the command waits up to \d+ s for it\.\n$/);
    expect(code).toBe(1);
  });

  test("status as JSON, and as a table", async () => {
    const [json, table, one] = await Promise.all([
      asked("status", "--json"),
      asked("status", "prod"),
      asked("status", "prod/works"),
    ]);
    const shown = JSON.parse(json.stdout) as {
      connectors: ShownConnector[];
      integrations: (ShownIntegration & { connector: string })[];
    };
    expect(Object.keys(shown)).toEqual(["connectors", "integrations", "secrets"]);
    expect(shown.connectors.find(({ name }) => name === "prod")).toMatchObject({ state: "connected" });
    const own = shown.integrations.filter(({ connector }) => connector === "prod");
    expect(own.map(({ name, state, reason }) => [name, state, reason])).toEqual([
      ["fails", "error", "connection_refused"],
      ["works", "online", null],
    ]);
    expect(table.stdout).toMatch(
      /^✓ prod {2}connected {2}last heard \S+\n {2}✗ fails +error +127\.0\.0\.1:\d+ {2}Integration fails is unreachable\. connection_refused\n {2}✓ works +online +127\.0\.0\.1:\d+\n$/,
    );
    expect([json.code, table.code, one.code]).toEqual([1, 1, 0]);
  });

  test("status --watch prints a change, and ends when it is interrupted", async () => {
    await using changing = await Agent.of(plane, "watched", { integrations: [tcp("one", up.port)] });
    await plane.until<ShownIntegration>("/integrations/watched/one", ({ state }) => state === "online");
    await using watching = new Program(["status", "watched", "--watch", "--json", ...plane.flags]);
    const lines = (): { integrations: ShownIntegration[] }[] =>
      watching.stdout
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as { integrations: ShownIntegration[] });
    await eventually("the first picture", () => lines()[0]);
    await changing.configure([tcp("one", down.port)]);
    await eventually("the change", () =>
      lines().find(
        ({ integrations: [one] }) => one?.state === "error" && one.reason === "connection_refused",
      ),
    );
    watching.signal("SIGINT");
    expect(await watching.ended).toEqual({ code: 1, signal: null });
  });

  test("doctor goes as far as welcome, and does not displace the connector that runs", async () => {
    const before = agent.program.log.length;
    const { code, stdout } = await ran([
      "doctor",
      agent.configuration,
      "--control-plane",
      plane.url,
      "--state",
      agent.state,
    ]);
    expect(stdout).toContain(`  ✓ configuration: ${agent.configuration} names 2 integrations\n`);
    expect(stdout).toContain("  ✓ session: welcome, as connector prod; a running one was not displaced\n");
    expect(code).toBe(0);
    expect(await agent.metric('mooring_control_plane_connect_attempts_total{result="ready"}')).toBe(1);
    expect(await agent.metric("mooring_control_plane_connected")).toBe(1);
    expect(agent.program.log.slice(before)).toEqual([]);
    expect(await plane.get("/connectors/prod")).toMatchObject({ state: "connected", reason: null });
  });

  test("doctor names what is wrong", async () => {
    const { code, stdout } = await ran([
      "doctor",
      "--control-plane",
      `http://127.0.0.1:${down.port}`,
      "--json",
    ]);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      findings: expect.arrayContaining([
        { subject: "session", verdict: "not_checked", text: "the way there failed" },
      ]) as unknown,
      way: { state: "error", reason: "connection_refused" },
    });
  });

  test("the configuration is read anew; a broken one is told, and changes nothing", async () => {
    await using agent = await Agent.of(plane, "reloads", { integrations: [tcp("first", up.port)] });
    const names = async (): Promise<string[]> => {
      const { items } = await plane.get<{ items: ShownIntegration[] }>("/integrations?connector=reloads");
      return items.map(({ name, state }) => `${name} ${state}`);
    };
    const are = (...expected: string[]): Promise<true> =>
      eventually(expected.join(), async () =>
        (await names()).join() === expected.join() ? true : undefined,
      );
    await are("first online");
    await agent.configure([tcp("first", up.port), tcp("second", down.port)]);
    await are("first online", "second error");

    await agent.configure([tcp("third", up.port, { intervall: "5s" })]);
    const told = await plane.until<ShownConnector>(
      "/connectors/reloads",
      ({ reason }) => reason === "config_invalid",
    );
    expect(told.state).toBe("connected");
    expect(told.cause).toMatch(
      /^The configuration of connector reloads was refused, and the last good one is in use: .*mooring\.yaml:\d+:\d+: integrations\[0\]\.intervall: /,
    );
    const shown = await asked("status", "reloads");
    expect(shown.code).toBe(1);
    expect(shown.stdout).toMatch(
      /^✓ reloads {2}connected {2}last heard \S+\n {2}! The configuration of connector reloads was refused, and the last good one is in use: .*integrations\[0\]\.intervall: /,
    );
    expect(shown.stdout).toContain(`\n      mooring check ${agent.configuration}\n`);
    const line = await agent.program.logged("the refusal", ({ reason }) => reason === "config_invalid");
    expect(line.level).toBe("error");
    expect(await agent.metric("mooring_config_last_reload_success")).toBe(0);
    expect(await statusOf(`${agent.health}/readyz`)).toBe(200);
    await are("first online", "second error");

    // As it was: nothing is new, and yet the last word of the log is not that it is refused.
    await agent.configure([tcp("first", up.port), tcp("second", down.port)]);
    await agent.program.logged("its end", ({ message }) => message === "The configuration is valid again.");
    expect(await agent.metric("mooring_config_last_reload_success")).toBe(1);
    await are("first online", "second error");

    await agent.configure([tcp("third", up.port)]);
    await are("third online");
    await plane.until<ShownConnector>("/connectors/reloads", ({ reason }) => reason === null);
    expect(await agent.metric("mooring_config_last_reload_success")).toBe(1);
    const gone = await plane.history("reloads/second");
    expect(gone.map(({ to, observed }) => [to, observed])).toEqual([
      ["error", "event"],
      [null, "diff"],
    ]);
  });

  test("an Idempotency-Key asks once", async () => {
    const post = (path: string, key: string): Promise<Response> =>
      plane.api("POST", path, { headers: { "idempotency-key": key } });
    const [first, again] = [
      await post("/integrations/prod/works/refresh", "k-1"),
      await post("/integrations/prod/works/refresh", "k-1"),
    ];
    expect([first.status, again.status]).toEqual([202, 202]);
    const { commandId } = (await first.json()) as { commandId: string };
    expect(await again.json()).toEqual({ commandId });
    const ended = await plane.until<{ state: string }>(
      `/commands/${commandId}`,
      ({ state }) => state === "succeeded",
    );
    expect(ended).toMatchObject({ kind: "refresh", integration: "works", result: { state: "online" } });
    const late = await post("/integrations/prod/works/refresh", "k-1");
    expect(await late.json()).toEqual({ commandId });
    const other = await post("/integrations/prod/fails/refresh", "k-1");
    expect([other.status, ((await other.json()) as { error: string }).error]).toEqual([409, "key_reused"]);
    const next = await post("/integrations/prod/works/refresh", "k-2");
    expect(((await next.json()) as { commandId: string }).commandId).not.toBe(commandId);
  });

  test("the roles: no token, a viewer, an operator", async () => {
    const viewer = (await readFile(join(plane.dir, "data", "viewer-token"), "utf8")).trim();
    const as = (token: string): { headers: Record<string, string> } => ({
      headers: { authorization: `Bearer ${token}` },
    });
    const none = await fetch(`${plane.url}/api/v1/connectors`);
    expect([none.status, none.headers.get("www-authenticate")]).toEqual([401, "Bearer"]);
    expect(none.headers.get("content-type")).toBe("application/problem+json");
    expect((await plane.api("GET", "/connectors", as("a-token-that-nobody-knows"))).status).toBe(401);
    expect((await plane.api("GET", "/connectors", as(viewer))).status).toBe(200);
    for (const path of ["/integrations/prod/works/refresh", "/connectors/prod/revoke", "/tokens"]) {
      const answer = await plane.api("POST", path, { ...as(viewer), body: { connector: "x" } });
      expect([path, answer.status]).toEqual([path, 403]);
      expect(await answer.json()).toMatchObject({
        error: "forbidden",
        detail: "A viewer may look, not touch.",
      });
    }
    expect((await plane.api("DELETE", "/connectors/prod", as(viewer))).status).toBe(403);
    expect(await plane.get("/connectors/prod")).toMatchObject({ state: "connected" });
  });

  test("the events go on after the last one that was seen", async () => {
    await using changing = await Agent.of(plane, "streamed", { integrations: [tcp("one", up.port)] });
    const of =
      (state: string) =>
      ({ event, data }: { event: string; data: Readonly<Record<string, unknown>> }): boolean =>
        event === "integration" && data["connector"] === "streamed" && data["state"] === state;
    let lastId = "";
    {
      await using events = await Events.of(plane);
      await changing.configure([tcp("one", down.port)]);
      lastId = (await events.until("the error", of("error"))).id;
    }
    await changing.configure([tcp("one", up.port)]);
    await plane.until<ShownIntegration>("/integrations/streamed/one", ({ state }) => state === "online");
    await using events = await Events.of(plane, lastId);
    const next = await events.until("what came meanwhile", of("online"));
    expect(events.received.some(({ id }) => id === lastId)).toBe(false);
    expect(next.data["name"]).toBe("one");
    await using strange = await Events.of(plane, "another-process:12");
    await strange.until("a reset", ({ event }) => event === "reset");
  });
});

test.concurrent("status --watch outlives its control plane: killed, stopped, and started again", async () => {
  await using plane = await Plane.start({ scale: SCALE });
  await using watching = new Program(["status", "--watch", ...plane.flags]);
  const pictures = (): number => watching.stdout.split("No connector yet.").length - 1;
  await eventually("the first picture", () => (pictures() === 1 ? true : undefined));
  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    const before = pictures();
    watching.stderr = "";
    await plane.program.stop(signal);
    const away = `The control plane ${plane.url} does not answer; trying again, at least every 5 s. What was shown may be old.\n`;
    await eventually("the word that it is away", () => (watching.stderr === away ? true : undefined));
    await plane.again();
    await eventually("the next picture", () => (pictures() > before ? true : undefined));
    await eventually("the word that it is back", () =>
      watching.stderr === `${away}The control plane ${plane.url} answers again.\n` ? true : undefined,
    );
  }
  watching.signal("SIGINT");
  expect(await watching.ended).toEqual({ code: 0, signal: null });
});

describe.concurrent("the second signal", () => {
  test("ends a connector whose goodbye is not answered", async () => {
    await using plane = await Plane.start({ scale: 1 });
    await using agent = await Agent.of(plane, "hurried", { flags: [] });
    plane.program.signal("SIGSTOP");
    agent.program.signal("SIGTERM");
    agent.program.signal("SIGINT");
    expect((await agent.program.ended).code).toBeOneOf([130, 143]);
  });

  test("ends a control plane that still answers somebody", async () => {
    await using plane = await Plane.start({ scale: 1 });
    const { hostname, port } = new URL(plane.url);
    const slow = connect({ host: hostname, port: Number(port) });
    slow.on("error", () => {});
    await new Promise((resolve) => {
      slow.write("POST /v1/enroll HTTP/1.1\r\nHost: ", resolve);
    });
    plane.program.signal("SIGTERM");
    plane.program.signal("SIGINT");
    expect((await plane.program.ended).code).toBeOneOf([130, 143]);
    slow.destroy();
  });
});
