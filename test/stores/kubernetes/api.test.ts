// The Kubernetes client that all of the connector shares: against a real API server, and a fake for what that never does.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { KubernetesApi, type ListOptions } from "../../../src/connector/kubernetes/api.ts";
import { isRefusal } from "../../../src/connector/kubernetes/api-failure.ts";
import { type Followed, follow } from "../../../src/connector/kubernetes/follow.ts";
import { metadata, NAMESPACES, type Resource } from "../../../src/connector/kubernetes/resource.ts";
import type { WatchEvent } from "../../../src/connector/kubernetes/watch.ts";
import { type Api, canRunApi, startApi } from "../../cluster/api.ts";
import { FakeClock } from "../../fake/clock.ts";
import { place } from "../../fake/secret.ts";
import { type FakeApi, fakeApi, type Handler, type Reply } from "./fake-api.ts";
import { type Pod, pod } from "./pod.ts";

const why = canRunApi();
if (why !== undefined) console.warn(`skipped: the Kubernetes client against a real kube-apiserver: ${why}`);

const configMap = z.object({ metadata, data: z.record(z.string(), z.string()).default({}) });
type ConfigMap = z.infer<typeof configMap>;
const CONFIG_MAPS: Resource<ConfigMap> = { group: "", version: "v1", plural: "configmaps", shape: configMap };

const lease = z.looseObject({
  metadata: z.looseObject({ name: z.string(), resourceVersion: z.string().optional() }),
  spec: z.looseObject({ holderIdentity: z.string().optional() }),
});
type Lease = z.infer<typeof lease>;
const LEASES: Resource<Lease> = {
  group: "coordination.k8s.io",
  version: "v1",
  plural: "leases",
  shape: lease,
};
const EVENTS: Resource<unknown> = { group: "", version: "v1", plural: "events", shape: z.unknown() };

const here = { namespace: "default" };
const map = (name: string, data: Record<string, string> = {}): unknown => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels: { of: "test" } },
  data,
});
const signal = new AbortController().signal;

describe.skipIf(why !== undefined)("a real API server", () => {
  let api: Api;
  let client: KubernetesApi;
  const answers: string[] = [];
  let files: Pod;

  beforeAll(async () => {
    api = await startApi();
    files = await pod({ url: api.url, ca: readFileSync(api.caFile, "utf8"), token: api.adminToken });
    const onAnswer = (call: { verb: string; resource: string; status: number }): void =>
      void answers.push(`${call.verb} ${call.resource} ${call.status}`);
    client = new KubernetesApi({ ...place(files.environment), onAnswer });
  });
  afterAll(async () => {
    await client?.close();
    await files?.[Symbol.asyncDispose]();
    await api?.stop();
  });

  const next = async <T>(events: AsyncGenerator<T>): Promise<T> => {
    const { value, done } = await events.next();
    if (done === true) throw new Error("it ended");
    return value;
  };

  test("lists page by page, as of one version", async () => {
    for (const name of ["a", "b", "c", "d", "e"])
      await client.create(CONFIG_MAPS, here, map(name), { signal });
    const options: ListOptions = { signal, limit: 2, labelSelector: "of=test" };
    const pages = await Array.fromAsync(client.list(CONFIG_MAPS, here, options));
    expect(pages.map(({ items }) => items.map((one) => one.metadata.name))).toEqual([
      ["a", "b"],
      ["c", "d"],
      ["e"],
    ]);
    expect(new Set(pages.map(({ resourceVersion }) => resourceVersion)).size).toBe(1);
    expect(answers.filter((answer) => answer === "list configmaps 200")).toHaveLength(3);
  });

  test("watches what is made, changed and removed", async () => {
    const [page] = await Array.fromAsync(client.list(CONFIG_MAPS, here, { signal }));
    const stop = new AbortController();
    const events = client.watch(CONFIG_MAPS, here, {
      resourceVersion: page?.resourceVersion ?? "",
      signal: stop.signal,
      labelSelector: "of=test",
    });
    const first = next(events);
    await client.create(CONFIG_MAPS, here, map("watched", { key: "1" }), { signal });
    await api.kubectl(["patch", "configmap", "watched", "--type=merge", "-p", '{"data":{"key":"2"}}']);
    await api.kubectl(["delete", "configmap", "watched"]);
    const seen = [await first, await next(events), await next(events)];
    const told = (event: WatchEvent<ConfigMap>): unknown =>
      event.type === "BOOKMARK"
        ? event.type
        : [event.type, event.object.metadata.name, event.object.data["key"]];
    expect(seen.map(told)).toEqual([
      ["ADDED", "watched", "1"],
      ["MODIFIED", "watched", "2"],
      ["DELETED", "watched", "2"],
    ]);
    stop.abort();
    await expect(events.next()).rejects.toMatchObject({ trouble: "timeout" });
  });

  test("an Event is made, an object that is there is not made again", async () => {
    const event = {
      apiVersion: "v1",
      kind: "Event",
      metadata: { generateName: "mooring-" },
      involvedObject: { kind: "ConfigMap", namespace: "default", name: "a", apiVersion: "v1" },
      reason: "ConnectionRefused",
      type: "Warning",
      message: "Integration a is unreachable.",
      reportingComponent: "mooring",
      reportingInstance: "mooring-0",
      action: "Check",
      eventTime: null,
    };
    await client.create(EVENTS, here, event, { signal });
    expect(await api.kubectl(["get", "events"])).toContain("ConnectionRefused");
    const again = client.create(CONFIG_MAPS, here, map("a"), { signal });
    await expect(again).rejects.toMatchObject({ refusal: { status: 409, code: "AlreadyExists" } });
  });

  test("a Lease is updated by whoever saw its last version", async () => {
    const made = await client.create(
      LEASES,
      here,
      {
        apiVersion: "coordination.k8s.io/v1",
        kind: "Lease",
        metadata: { name: "mooring" },
        spec: { holderIdentity: "a", leaseDurationSeconds: 15, renewTime: "2026-01-02T03:04:05.000000Z" },
      },
      { signal },
    );
    const taken = await client.update(
      LEASES,
      here,
      { ...made, spec: { ...made.spec, holderIdentity: "b" } },
      { signal },
    );
    expect(taken.spec).toMatchObject({ holderIdentity: "b", leaseDurationSeconds: 15 });
    const late = client.update(
      LEASES,
      here,
      { ...made, spec: { ...made.spec, holderIdentity: "c" } },
      { signal },
    );
    await expect(late).rejects.toSatisfy((error) => isRefusal(error, 409));
    const now = await client.get(LEASES, { ...here, name: "mooring" }, { signal });
    expect(now.spec.holderIdentity).toBe("b");
  });

  test("applied fields have an owner", async () => {
    const which = { ...here, name: "applied" };
    const own = { fieldManager: "mooring", signal };
    await client.apply(CONFIG_MAPS, which, map("applied", { key: "ours" }), own);
    const theirs = client.apply(CONFIG_MAPS, which, map("applied", { key: "theirs" }), {
      ...own,
      fieldManager: "other",
    });
    await expect(theirs).rejects.toMatchObject({ refusal: { status: 409, code: "Conflict" } });
    const forced = { ...own, fieldManager: "other", force: true };
    expect((await client.apply(CONFIG_MAPS, which, map("applied", { key: "theirs" }), forced)).data).toEqual({
      key: "theirs",
    });
  });

  test("what is not there, and rights", async () => {
    const missing = client.get(CONFIG_MAPS, { ...here, name: "none" }, { signal });
    await expect(missing).rejects.toMatchObject({
      trouble: "refused",
      refusal: { status: 404, code: "NotFound" },
    });
    const unknown: Resource<unknown> = {
      group: "mooring.dev",
      version: "v1",
      plural: "integrations",
      shape: z.unknown(),
    };
    const noKind = client.get(unknown, { ...here, name: "none" }, { signal });
    await expect(noKind).rejects.toMatchObject({ trouble: "refused", refusal: { status: 404, code: "" } });
    const right = { verb: "get", resource: CONFIG_MAPS, ...here, name: "a" } as const;
    expect(await client.may(right, { signal })).toEqual({ allowed: true, denied: false });
    expect(await client.identity({ signal })).toMatchObject({ user: "admin", words: "User admin" });
    const token = await api.serviceAccountToken("default", "default");
    await using other = await pod({ url: api.url, ca: readFileSync(api.caFile, "utf8"), token });
    const nobody = new KubernetesApi(place(other.environment));
    expect(await nobody.may(right, { signal })).toEqual({ allowed: false, denied: false });
    expect(await nobody.identity({ signal })).toMatchObject({
      account: { namespace: "default", name: "default" },
    });
    await nobody.close();
  });

  test("follows what is there and what changes", async () => {
    const stop = new AbortController();
    const { clock } = place();
    const options = { clock, random: () => 0, signal: stop.signal, labelSelector: "of=follow" };
    const followed = follow(client, CONFIG_MAPS, here, options);
    expect(await next(followed)).toEqual({ type: "all", objects: [] });
    const coming = next(followed);
    const labelled = {
      ...(map("followed") as object),
      metadata: { name: "followed", labels: { of: "follow" } },
    };
    await client.create(CONFIG_MAPS, here, labelled, { signal });
    expect(await coming).toMatchObject({ type: "set", object: { metadata: { name: "followed" } } });
    const going = next(followed);
    await api.kubectl(["delete", "configmap", "followed"]);
    expect(await going).toMatchObject({ type: "gone", object: { metadata: { name: "followed" } } });
    stop.abort();
    expect(await followed.next()).toEqual({ done: true, value: undefined });
  });
});

describe("a fake", () => {
  const item = (name: string, resourceVersion: string): object => ({ metadata: { name, resourceVersion } });
  const listOf = (resourceVersion: string, ...items: object[]): { body: unknown } => ({
    body: { metadata: { resourceVersion }, items },
  });

  interface Fake extends AsyncDisposable {
    readonly api: FakeApi;
    readonly client: KubernetesApi;
  }

  async function fake(handler: Handler, clock = place().clock): Promise<Fake> {
    const api = await fakeApi(handler);
    const files = await pod({ url: api.url, ca: api.ca, token: "token" });
    const client = new KubernetesApi({ ...place(files.environment), clock });
    return {
      api,
      client,
      async [Symbol.asyncDispose]() {
        await client.close();
        await files[Symbol.asyncDispose]();
        await api[Symbol.asyncDispose]();
      },
    };
  }

  /** Lists by number, and a watch for each of them. */
  function script(
    lists: readonly { body?: unknown; status?: number; reason?: string }[],
    watches: readonly Handler[],
  ): Handler {
    let [listed, watched] = [0, 0];
    return (asked, response) => {
      if (!asked.path.includes("watch=true")) return lists[listed++] ?? lists.at(-1);
      return watches[watched++]?.(asked, response);
    };
  }

  const lines =
    (end: "end" | "cut" | "open", ...events: object[]): Handler =>
    (_asked, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      for (const event of events) response.write(`${JSON.stringify(event)}\n`);
      if (end === "end") response.end();
      else if (end === "cut") setImmediate(() => response.socket?.destroy());
      else response.flushHeaders();
      return undefined;
    };

  async function take(count: number, followed: AsyncGenerator<Followed<ConfigMap>>): Promise<unknown[]> {
    const seen: unknown[] = [];
    for await (const one of followed) {
      if (one.type === "all") seen.push(["all", ...one.objects.map((object) => object.metadata.name)]);
      else if (one.type === "lost") seen.push(["lost", one.failure.trouble, one.failure.refusal?.status]);
      else seen.push([one.type, one.object.metadata.name]);
      if (seen.length === count) break;
    }
    return seen;
  }

  const start = (client: KubernetesApi) =>
    follow(client, CONFIG_MAPS, here, { clock: place().clock, random: () => 0, signal });

  const added = (name: string, version: string): object => ({ type: "ADDED", object: item(name, version) });
  const expired = {
    type: "ERROR",
    object: { kind: "Status", code: 410, reason: "Expired", message: "prose" },
  };

  test("a watch that ends goes on from the last version, bookmarks among them", async () => {
    const bookmark = { type: "BOOKMARK", object: { kind: "ConfigMap", metadata: { resourceVersion: "9" } } };
    await using it = await fake(
      script(
        [listOf("5", item("a", "4"))],
        [lines("end", added("b", "6"), bookmark), lines("end", added("c", "10")), lines("open")],
      ),
    );
    expect(await take(3, start(it.client))).toEqual([
      ["all", "a"],
      ["set", "b"],
      ["set", "c"],
    ]);
    const versions = it.api.asked.map(({ path }) => /resourceVersion=(\d+)/.exec(path)?.[1]);
    expect(versions.slice(0, 3)).toEqual([undefined, "5", "9"]);
  });

  test("a version that is forgotten is listed again, silently", async () => {
    await using it = await fake(
      script([listOf("5"), listOf("50", item("z", "49"))], [lines("end", expired), lines("open")]),
    );
    expect(await take(2, start(it.client))).toEqual([["all"], ["all", "z"]]);
  });

  test("objects that are filled to the brim are listed a few at a time", async () => {
    const brim = "x".repeat(1 << 20);
    const limits: number[] = [];
    const handler: Handler = (asked, response) => {
      if (asked.path.includes("watch=true")) return lines("open")(asked, response);
      const limit = Number(/limit=(\d+)/.exec(asked.path)?.[1]);
      limits.push(limit);
      const full = { metadata: { name: "a", resourceVersion: "4" }, data: { brim } };
      return listOf("5", ...Array.from({ length: Math.min(limit, 20) }, () => full));
    };
    await using it = await fake(handler);
    expect(await take(1, start(it.client))).toEqual([["all", "a", "a", "a", "a"]]);
    expect(limits).toEqual([250, 32, 4]);
  });

  test("a watch that is cut after news goes on; one that never begins is a loss", async () => {
    await using it = await fake(
      script(
        [listOf("5"), listOf("7")],
        [lines("cut", added("b", "6")), () => ({ status: 500, reason: "InternalError" }), lines("open")],
      ),
    );
    expect(await take(4, start(it.client))).toEqual([
      ["all"],
      ["set", "b"],
      ["lost", "refused", 500],
      ["all"],
    ]);
  });

  test("where it may list and not watch, it waits longer and longer", async () => {
    const waits: number[] = [];
    const { clock } = place();
    const hasty = {
      ...clock,
      sleep: (ms: number, signal: AbortSignal): Promise<void> => {
        // Deadlines are of 10 s and more.
        if (ms < 1_000 || ms % 1_000 !== 0 || ms === 10_000) return clock.sleep(ms, signal);
        waits.push(ms);
        return Promise.resolve();
      },
    };
    const forbidden = (): Reply => ({ status: 403, reason: "Forbidden" });
    await using it = await fake(
      script(
        [listOf("5")],
        Array.from({ length: 9 }, () => forbidden),
      ),
    );
    const followed = follow(it.client, CONFIG_MAPS, here, { clock: hasty, random: () => 1, signal });
    expect(await take(8, followed)).toEqual([1, 2, 3, 4].flatMap(() => [["all"], ["lost", "refused", 403]]));
    expect(waits).toEqual([1_000, 2_000, 4_000]);
  });

  test("a watch that something ends at once is not hurried", async () => {
    const waits: number[] = [];
    const { clock } = place();
    const hasty = { ...clock, sleep: (ms: number): Promise<void> => (waits.push(ms), Promise.resolve()) };
    await using it = await fake(
      script([listOf("5")], [lines("end"), lines("end"), lines("end", added("a", "6")), lines("open")]),
    );
    const followed = follow(it.client, CONFIG_MAPS, here, { clock: hasty, random: () => 0, signal });
    expect(await take(2, followed)).toEqual([["all"], ["set", "a"]]);
    expect(waits).toEqual([1_000, 1_000]);
  });

  test("an API server that is away is asked again and again", async () => {
    const away = { status: 503, reason: "ServiceUnavailable" };
    await using it = await fake(script([away, away, listOf("1")], [lines("open")]));
    expect(await take(3, start(it.client))).toEqual([
      ["lost", "refused", 503],
      ["lost", "refused", 503],
      ["all"],
    ]);
  });

  test("a watch in which nothing comes any more, not even a bookmark, ends", async () => {
    const clock = new FakeClock();
    await using it = await fake(lines("open", added("a", "1")), clock);
    const events = it.client.watch(CONFIG_MAPS, here, { resourceVersion: "0", signal });
    expect((await events.next()).value).toMatchObject({ type: "ADDED" });
    const second = events.next();
    await clock.advance(134_000);
    let ended = false;
    second
      .catch(() => {})
      .finally(() => (ended = true))
      .catch(() => {});
    await clock.advance(500);
    expect(ended).toBe(false);
    await clock.advance(1_000);
    await expect(second).rejects.toMatchObject({ trouble: "timeout" });
  });

  test("a call without an answer ends in its time, and so does one that waits for its turn", async () => {
    const clock = new FakeClock();
    await using it = await fake(() => undefined, clock);
    const calls = Array.from({ length: 6 }, () =>
      it.client.get(NAMESPACES, { name: "x" }, { signal, timeoutMs: 2_000 }),
    );
    const ended = Promise.allSettled(calls);
    while (it.api.asked.length < 4) await clock.advance(0);
    await clock.advance(2_000);
    const outcomes = await ended;
    expect(
      outcomes.map((one) => one.status === "rejected" && (one.reason as { trouble: string }).trouble),
    ).toEqual(Array.from({ length: 6 }, () => "timeout"));
    expect(it.api.asked).toHaveLength(4);
  });

  test("what changes something is not sent again after a failure; a pause that is asked for is everybody's", async () => {
    const clock = new FakeClock();
    let asked = 0;
    await using it = await fake(() => {
      asked += 1;
      return { status: 503, reason: "ServiceUnavailable", headers: { "retry-after": "2" } };
    }, clock);
    await expect(it.client.create(CONFIG_MAPS, here, map("a"), { signal })).rejects.toMatchObject({
      refusal: { status: 503, retryAfterMs: 2_000 },
    });
    expect(asked).toBe(1);
    const other = it.client.create(CONFIG_MAPS, here, map("b"), { signal });
    other.catch(() => {});
    await clock.advance(1_900);
    expect(asked).toBe(1);
    await clock.advance(200);
    await expect(other).rejects.toMatchObject({ refusal: { status: 503 } });
    expect(asked).toBe(2);
  });
});
