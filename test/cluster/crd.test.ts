/** Integration resources against a real kube-apiserver, by a ServiceAccount that may no more than the chart grants. */
import { randomUUID } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { type Clock, systemClock } from "../../src/connector/clock.ts";
import { createNetwork } from "../../src/connector/dial/place.ts";
import { createAuthority } from "../../src/demo/certificates.ts";
import { startPostgres } from "../../src/demo/postgres.ts";
import { listening, type Target } from "../fake/target.ts";
import { eventually, folder, pause } from "../process/programs.ts";
import { type Api, canRunApi, startApi } from "./api.ts";
import { account, type Condition, follower, type Resource, RULES, wayTo } from "./crd.ts";
import { startServer } from "./processes.ts";

const why = canRunApi();
const CRD = new URL("../../helm/mooring-connector/files/crd.yaml", import.meta.url).pathname;
/** Targets of these tests are on this machine. */
const HERE = { stores: ["kubernetes"], targets: ["*.{namespace}.svc:*", "127.0.0.1:*"] };

describe.skipIf(why !== undefined)(
  `Integration resources on a kube-apiserver${why === undefined ? "" : ` (skipped: ${why})`}`,
  () => {
    let api: Api;
    let target: Target;
    beforeAll(async () => {
      api = await startApi();
      target = await listening(net.createServer());
      for (const name of ["mooring", "data", "web", "many"]) await api.kubectl(["create", "namespace", name]);
      await api.kubectl(["apply", "--server-side", "-f", CRD]);
      await api.kubectl(["wait", "--for=condition=Established", "crd/integrations.mooring.dev"]);
      await account(api, "connector", ["data", "web", "many"]);
    });
    afterAll(async () => {
      await target?.[Symbol.asyncDispose]();
      await api?.stop();
    });

    // What a test leaves where it fails is no other's trouble.
    afterEach(async () => {
      await api.kubectl(["delete", "mint", "-n", "data", "--all"]);
    });

    const place = (namespace: string, name = ""): string =>
      `/apis/mooring.dev/v1alpha1/namespaces/${namespace}/integrations${name === "" ? "" : `/${name}`}`;
    const tcp = (port = target.port): object => ({ type: "tcp", config: { host: "127.0.0.1", port } });
    const manifest = (name: string, spec: object, namespace = "data"): string =>
      JSON.stringify({
        apiVersion: "mooring.dev/v1alpha1",
        kind: "Integration",
        metadata: { name, namespace },
        spec,
      });
    const apply = (name: string, spec: object, namespace = "data"): Promise<string> =>
      api.kubectl(["apply", "--server-side", "-f", "-"], { stdin: manifest(name, spec, namespace) });
    const remove = (name: string): Promise<string> => api.kubectl(["-n", "data", "delete", "mint", name]);
    const read = async (name: string, namespace = "data"): Promise<Resource> =>
      (await api.call("GET", place(namespace, name))).body as Resource;
    const condition = (resource: Resource, type = "Ready"): Condition | undefined =>
      resource.status?.conditions?.find((one) => one.type === type);
    /** Waits until Ready has this reason. */
    const ready = (name: string, reason: string, namespace = "data"): Promise<Resource> => {
      let last: Resource | undefined;
      const look = async (): Promise<Resource | undefined> => {
        last = await read(name, namespace);
        return condition(last)?.reason === reason ? last : undefined;
      };
      return eventually(`Ready of ${name}: ${reason}`, look, { seen: () => JSON.stringify(last?.status) });
    };
    interface Told {
      readonly type: string;
      readonly reason: string;
      readonly message: string;
      readonly reportingComponent: string;
      readonly involvedObject: { readonly kind: string; readonly uid: string };
    }
    const eventsOf = async (name: string): Promise<Told[]> => {
      const path = `/api/v1/namespaces/data/events?fieldSelector=involvedObject.name%3D${name}`;
      return ((await api.call("GET", path)).body as { items: Told[] }).items;
    };

    test("a resource is looked at, told in its status, and healed", async () => {
      await using it = await follower(api, { policy: HERE });
      const dead = await listening(net.createServer());
      await dead[Symbol.asyncDispose]();
      await apply("shop", tcp(dead.port));
      await it.look("shop.data");
      const broken = await ready("shop", "ConnectionRefused");
      expect(condition(broken)).toMatchObject({
        status: "False",
        observedGeneration: 1,
        message: expect.stringContaining("Integration shop.data is unreachable. 127.0.0.1:") as string,
      });
      expect(condition(broken, "Reachable")).toMatchObject({ status: "False", reason: "ConnectionRefused" });
      expect(broken.status?.remedy?.[0]?.text).toBeTruthy();

      await apply("shop", tcp());
      await eventually("the new spec", () =>
        it.items().find(({ config }) => JSON.stringify(config).includes(String(target.port))),
      );
      expect((await read("shop")).metadata.generation).toBe(2);
      await it.look("shop.data");
      const well = await ready("shop", "Online");
      expect(well.status).toMatchObject({
        observedGeneration: 2,
        lastCheckTime: expect.any(String) as string,
      });
      expect(
        well.status?.conditions?.map(({ type, status, reason, observedGeneration }) => [
          type,
          status,
          reason,
          observedGeneration,
        ]),
      ).toEqual([
        ["Ready", "True", "Online", 2],
        ["Reachable", "True", "Passed", 2],
      ]);
      expect(well.status?.remedy).toBeUndefined();
      await api.kubectl(["-n", "data", "wait", "--for=condition=Ready", "mint/shop", "--timeout=5s"]);

      const [heads, row] = (await api.kubectl(["-n", "data", "get", "mint", "shop"])).split("\n");
      expect(heads?.split(/ {2,}/).map((word) => word.trim())).toEqual([
        "NAME",
        "TYPE",
        "READY",
        "REASON",
        "LAST CHECK",
        "AGE",
      ]);
      expect(row).toMatch(/^shop +tcp +True +Online +\S+ +\S+$/);

      const events = await eventually("two Events", async () => {
        const all = await eventsOf("shop");
        return all.length >= 2 ? all : undefined;
      });
      expect(events.map(({ type, reason }) => `${type} ${reason}`).toSorted()).toEqual([
        "Normal Online",
        "Warning ConnectionRefused",
      ]);
      expect(events[0]).toMatchObject({
        reportingComponent: "mooring.dev/connector",
        reportingInstance: "mooring-connector-0",
        involvedObject: { kind: "Integration", apiVersion: "mooring.dev/v1alpha1" },
      });
      expect(await api.kubectl(["-n", "data", "describe", "mint", "shop"])).toContain("ConnectionRefused");
      await remove("shop");
      await eventually("the item goes", () => it.items().length === 0 || undefined);
      expect([it.problems, it.bugs]).toEqual([[], []]);
    });

    test("a status is written where it says something new, by another process too", async () => {
      await apply("still", tcp());
      let version: string;
      {
        await using it = await follower(api, { policy: HERE });
        await it.look("still.data");
        version = (await ready("still", "Online")).metadata.resourceVersion;
        for (let looks = 0; looks < 5; looks += 1) await it.look("still.data");
        await pause(300);
        expect((await read("still")).metadata.resourceVersion).toBe(version);
        expect(it.calls.filter((call) => call === "patch integrations 200")).toHaveLength(1);
      }
      await using again = await follower(api, { policy: HERE });
      await again.look("still.data");
      await pause(300);
      expect((await read("still")).metadata.resourceVersion).toBe(version);
      expect(again.calls.filter((call) => call.startsWith("patch"))).toEqual([]);
      expect(await eventsOf("still")).toEqual([]);
      await remove("still");
    });

    test.each<[string, object, string]>([
      [
        "another namespace's secret",
        { secret: { store: "kubernetes", name: "db", namespace: "web" } },
        "the Secret web/db is not one of its own namespace data",
      ],
      [
        "another namespace's Service",
        { config: { host: "db.web.svc", database: "d" } },
        "a resource make it dial db.web.svc:5432",
      ],
      [
        "a store that is not listed",
        { secret: { store: "aws", id: "db" } },
        "the store aws is not listed under policy.crd.stores",
      ],
      [
        "a secret over plain text",
        { config: { host: "db.data.svc", database: "d", tls: { mode: "disable" } } },
        "without verified encryption",
      ],
    ])("%s is PolicyForbidden", async (_, more, words) => {
      await using it = await follower(api);
      const whole = {
        type: "postgresql",
        config: { host: "db.data.svc", database: "d" },
        secret: { store: "kubernetes", name: "db" },
        ...more,
      };
      await apply("outside", whole);
      await it.look("outside.data");
      const told = condition(await ready("outside", "PolicyForbidden"));
      expect(told).toMatchObject({ status: "False", message: expect.stringContaining(words) as string });
      expect(it.calls.filter((call) => call.includes("secrets"))).toEqual([]);
      await remove("outside");
    });

    test("a Secret without a namespace is the resource's own", async () => {
      await using it = await follower(api);
      const config = { host: "db.data.svc", database: "d" };
      await apply("own", { type: "postgresql", config, secret: { store: "kubernetes", name: "db" } });
      expect((await it.item("own.data")).secret?.name).toBe("data/db");
      await remove("own");
    });

    test("a spec that the connector refuses is told as such, and is no item", async () => {
      await using it = await follower(api, { policy: HERE });
      await apply("wrong", { type: "http", config: { url: "ftp://x" } });
      const wrong = await ready("wrong", "ConfigInvalid");
      expect(wrong.status?.conditions).toMatchObject([
        { type: "Ready", status: "False", message: "spec.config.url: must begin with http:// or https://" },
        { type: "Stalled", status: "True" },
      ]);
      expect(wrong.status?.lastCheckTime).toBeUndefined();
      expect(it.source.counts()).toMatchObject({ valid: 0, invalid: 1 });
      await apply("wrong", { type: "http", config: { url: "http://127.0.0.1:1/" } });
      await it.look("wrong.data");
      const next = await ready("wrong", "ConnectionRefused");
      expect(condition(next, "Stalled")).toBeUndefined();
      await remove("wrong");
    });

    test.each<[string, object, string]>([
      ["a type there is not", { type: "tpc", config: {} }, 'Unsupported value: "tpc"'],
      [
        "a member that no type has",
        { ...tcp(1), config: { hots: "x", port: 1 } },
        ".spec.config.hots: field not declared in schema",
      ],
      [
        "a member of another type",
        { type: "tcp", config: { host: "h", port: 1, url: "http://x" } },
        "the type tcp takes in config: host, port",
      ],
      [
        "a missing member",
        { type: "tcp", config: { host: "h" } },
        "the type tcp needs config.host and config.port",
      ],
      [
        "a missing secret",
        { type: "postgresql", config: { host: "h", database: "d" } },
        "the type postgresql needs a secret with username and password",
      ],
      [
        "a file of the connector",
        { type: "tls", config: { host: "h", port: 1, tls: { ca: "/x" } } },
        "config.tls.ca names a file of the connector",
      ],
      [
        "a proxy",
        { type: "tcp", config: { host: "h", port: 1, proxy: "none" } },
        "config.proxy names a way around the policy",
      ],
      [
        "a timeout beyond the interval",
        { ...tcp(1), interval: "10s", timeout: "10s" },
        "timeout must be below interval",
      ],
      [
        "the connector's variables",
        { type: "postgresql", config: { host: "h", database: "d" }, secret: { store: "env" } },
        "the stores file and env belong to the connector's own configuration file",
      ],
      [
        "a reference without its name",
        { type: "postgresql", config: { host: "h", database: "d" }, secret: { store: "kubernetes" } },
        "the store kubernetes needs secret.name",
      ],
    ])("kubectl says at once what is wrong with %s", async (_, spec, words) => {
      await expect(apply("never", spec)).rejects.toThrow(words);
    });

    test("a name that no integration can have is refused at once", async () => {
      await expect(apply("a.b", tcp(1))).rejects.toThrow("the name must be a DNS label");
    });

    test.each<[string, string[], string, string]>([
      ["list", ["get", "watch"], "follow", "lacks the right list on integrations (mooring.dev)."],
      ["watch", ["get", "list"], "follow", "lacks the right watch on integrations (mooring.dev)."],
      [
        "status",
        ["get", "list", "watch"],
        "status",
        "lacks the right patch on integrations/status (mooring.dev).",
      ],
      ["events", ["get", "list", "watch"], "events", "lacks the right create on events."],
    ])("a missing right is named: %s", async (right, verbs, doing, words) => {
      const [integrations, status, events] = RULES;
      const rules = [
        { ...integrations!, verbs },
        ...(right === "status" ? [] : [status!]),
        ...(right === "events" ? [] : [events!]),
      ];
      const name = `without-${right}`;
      await account(api, name, ["web"], rules);
      const dead = { type: "tcp", config: { host: "127.0.0.1", port: 1 } };
      await apply("shop", dead, "web");
      await using it = await follower(api, { policy: HERE, namespaces: ["web"], account: name });
      if (doing !== "follow") await it.look("shop.web");
      const problem = await eventually("a problem", () => it.problems[0]);
      expect(problem).toMatchObject({
        doing,
        namespace: "web",
        text: expect.stringContaining(words) as string,
      });
      expect(problem.text).toContain("web in the list sources.crd.namespaces");
      // Granted: it goes on by itself.
      await account(api, name, ["web"]);
      if (doing === "events") {
        await apply("shop", { ...dead, config: { host: "127.0.0.1", port: target.port } }, "web");
        await eventually("the new spec", () =>
          it.items().find(({ config }) => JSON.stringify(config).includes(String(target.port))),
        );
        await it.look("shop.web");
      }
      await eventually("it is over", () => it.problems.find(({ text }) => text === null), { ms: 40_000 });
      await api.kubectl(["-n", "web", "delete", "mint", "shop"]);
    });

    test("helm waits for Ready, and not for a spec that is wrong", async () => {
      await using place = await folder();
      await using it = await follower(api, { policy: HERE });
      const install = async (name: string, spec: object): Promise<string> => {
        const chart = join(place.path, name);
        await mkdir(join(chart, "templates"), { recursive: true });
        await writeFile(
          join(chart, "Chart.yaml"),
          JSON.stringify({ apiVersion: "v2", name, version: "1.0.0" }),
        );
        await writeFile(join(chart, "templates", "integration.yaml"), manifest(name, spec));
        return api.helm(["install", name, chart, "-n", "data", "--wait", "--timeout", "30s"]);
      };
      let isOver = false;
      const waiting = install("waits", tcp()).finally(() => (isOver = true));
      const began = performance.now();
      await it.item("waits.data");
      await pause(2_000);
      expect(isOver).toBe(false);
      await it.look("waits.data");
      expect(await waiting).toContain("STATUS: deployed");
      const wrong = install("wrong-one", { type: "http", config: { url: "ftp://x" } });
      await expect(wrong).rejects.toThrow("spec.config.url: must begin with http:// or https://");
      expect(performance.now() - began).toBeLessThan(25_000);
      for (const name of ["waits", "wrong-one"]) await api.helm(["uninstall", name, "-n", "data"]);
    });

    test("without the CRD there are none, and it says what to do", async () => {
      await using other = await startApi({ controllerManager: false });
      await other.kubectl(["create", "namespace", "mooring"]);
      await other.kubectl(["create", "namespace", "data"]);
      await account(other, "connector", ["data"]);
      await using it = await follower(other);
      const problem = await eventually("a problem", () => it.problems[0]);
      expect(problem.text).toContain("the CRD integrations.mooring.dev is not there");
      await it.source.listed;
      await other.kubectl(["apply", "--server-side", "-f", CRD]);
      await eventually("it is over", () => it.problems.find(({ text }) => text === null), { ms: 60_000 });
    });

    test("a watch that is cut, and an API server that was away, lose nothing", async () => {
      await using way = await wayTo(api.url);
      await using it = await follower(api, { policy: HERE, url: way.url, namespaces: ["data", "web"] });
      await it.source.listed;
      await apply("stays", tcp());
      await apply("goes", tcp());
      await it.item("goes.data");
      way.cut();
      await apply("comes", tcp());
      await it.item("comes.data");

      const server = api.servers.find(({ name }) => name === "kube-apiserver")!;
      const line = (await readFile(`/proc/${server.pid}/cmdline`, "utf8"))
        .split("\0")
        .filter((word) => word !== "");
      await remove("goes");
      await server.stop();
      await eventually("a problem", () => it.problems.find(({ text }) => text !== null));
      expect(it.items().map(({ name }) => name)).toContain("stays.data");
      const again = startServer("kube-apiserver", line, api.directory);
      try {
        await again.until(() => api.isReady());
        await apply("late", tcp());
        await eventually(
          "all is as it is",
          () => {
            const names = it.items().map(({ name }) => name);
            return names.join() === "comes.data,late.data,stays.data" || undefined;
          },
          { ms: 60_000, seen: () => JSON.stringify(it.items().map(({ name }) => name)) },
        );
        await eventually("the troubles are over", () => it.source.counts().troubles === 0 || undefined, {
          ms: 60_000,
        });
        await it.look("stays.data");
        await ready("stays", "Online");
        for (const name of ["stays", "comes", "late"]) await remove(name);
        await eventually("none is left", () => it.items().length === 0 || undefined);
        expect(it.bugs).toEqual([]);
      } finally {
        // The one of before has ended; this one ends with the tests.
        (api.servers as unknown[]).push(again);
      }
    });

    test("the story of docs/crd.md: a Secret that is not there, not labelled, and then is", async () => {
      await using place = await folder();
      const authority = await createAuthority("Mooring, tests");
      const tls = await authority.issue({ names: ["orders-db.data.svc"] });
      const password = `canary ${randomUUID()}`;
      await using server = await startPostgres({ superuserPassword: password, tls });
      await writeFile(join(place.path, "hosts"), "127.0.0.1 orders-db.data.svc\n");
      await writeFile(join(place.path, "ca.pem"), authority.certPem);
      const own = createNetwork({ MOORING_HOSTS: join(place.path, "hosts") }, []);
      const network = { ...own, trust: () => own.trust(join(place.path, "ca.pem")) };
      const secret = {
        apiGroups: [""],
        resources: ["secrets"],
        resourceNames: ["orders-db"],
        verbs: ["get"],
      };
      await account(api, "story", ["data"], [...RULES, secret]);
      const environment = { MOORING_REQUIRE_OPT_IN: "true" };
      await using it = await follower(api, { account: "story", environment, network });
      const config = { host: "orders-db.data.svc", port: server.port, database: "postgres" };
      await apply("orders-db", {
        type: "postgresql",
        config,
        secret: { store: "kubernetes", name: "orders-db" },
      });

      await it.look("orders-db.data");
      const missing = await ready("orders-db", "SecretNotFound");
      expect(condition(missing, "SecretReady")).toMatchObject({ status: "False", reason: "SecretNotFound" });
      expect(condition(missing, "Reachable")).toMatchObject({ status: "Unknown", reason: "NotChecked" });
      const literals = ["--from-literal=username=postgres", `--from-literal=password=${password}`];
      await api.kubectl(["-n", "data", "create", "secret", "generic", "orders-db", ...literals]);
      await it.look("orders-db.data");
      const [step] = (await ready("orders-db", "SecretNotTagged")).status?.remedy ?? [];
      expect(step?.command).toBe(
        "kubectl -n data label secret orders-db mooring-connector-read=true --overwrite",
      );
      await api.kubectl(step!.command!.split(" ").slice(1));
      await it.look("orders-db.data");
      await api.kubectl(["-n", "data", "wait", "--for=condition=Ready", "mint/orders-db", "--timeout=10s"]);
      const told = await read("orders-db");
      expect(told.status?.conditions?.map(({ type, status }) => `${type} ${status}`)).toEqual([
        "Ready True",
        "Reachable True",
        "SecretReady True",
        "Discovered Unknown",
      ]);
      const events = await eventsOf("orders-db");
      expect(JSON.stringify([told, events, it.problems])).not.toContain(password);
      await remove("orders-db");
    });

    test("a thousand: one write each, in bounded memory", async () => {
      setFlagsFromString("--expose-gc");
      const gc = runInNewContext("gc") as () => void;
      gc();
      const before = process.memoryUsage().heapUsed;
      const names = Array.from({ length: 1000 }, (_, index) => `i${String(index).padStart(4, "0")}`);
      const list = {
        apiVersion: "v1",
        kind: "List",
        items: names.map((name) => JSON.parse(manifest(name, tcp(), "many")) as unknown),
      };
      await api.kubectl(["create", "-f", "-"], { stdin: JSON.stringify(list) });
      await using it = await follower(api, { policy: HERE, namespaces: ["many"], clock: faster(5) });
      await eventually("all are there", () => it.items().length === 1000 || undefined, { ms: 30_000 });
      const report = await it.look("i0000.many");
      for (let round = 0; round < 3; round += 1)
        for (const item of it.items()) it.source.tell(item, { ...report, name: item.name }, Date.now());
      const written = (): number => it.calls.filter((call) => call === "patch integrations 200").length;
      await eventually("all are written", () => written() >= 1000 || undefined, { ms: 60_000 });
      await pause(500);
      expect(written()).toBe(1000);
      expect(it.published()).toBeLessThan(5);
      gc();
      const grown = (process.memoryUsage().heapUsed - before) / 2 ** 20;
      expect(grown).toBeLessThan(20);
      const all = (await api.call("GET", place("many"))).body as { items: Resource[] };
      expect(all.items.every((one) => condition(one)?.reason === "Online")).toBe(true);
      expect(it.bugs).toEqual([]);
    });
  },
);

/** The machine's clock, so many times as fast for pauses and paces. */
function faster(factor: number): Clock {
  return {
    now: () => systemClock.now(),
    tick: () => systemClock.tick() * factor,
    sleep: (ms, signal) => systemClock.sleep(ms / factor, signal),
    after: (ms, then) => systemClock.after(ms / factor, then),
  };
}
