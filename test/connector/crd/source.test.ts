import type http from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../src/connector/clock.ts";
import type { SourceProblem } from "../../../src/connector/crd/trouble.ts";
import type { Item, JudgedResource } from "../../../src/connector/item.ts";
import { KubernetesApi } from "../../../src/connector/kubernetes/api.ts";
import { followIntegrations } from "../../../src/connector/sources/crd.ts";
import { place } from "../../fake/secret.ts";
import { eventually, pause } from "../../process/programs.ts";
import { type Asked, fakeApi, type Reply } from "../../stores/kubernetes/fake-api.ts";
import { pod } from "../../stores/kubernetes/pod.ts";
import { crdItem, report } from "./parts.ts";

interface Object {
  readonly metadata: { readonly name: string; readonly generation: number; readonly resourceVersion: string };
}

let version = 100;
function resource(name: string, generation: number, spec: unknown = { type: "tcp" }): Object {
  version += 1;
  const metadata = {
    name,
    namespace: "data",
    uid: `uid of ${name}`,
    generation,
    resourceVersion: String(version),
  };
  return { metadata, spec } as Object;
}

const over: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of over.splice(0).toReversed()) await end();
});

/** A source on an API server of the test's own: what it lists, and a watch that the test writes into. */
async function harness(
  objects: Object[],
  answer: (asked: Asked) => Reply | undefined = () => undefined,
  namespaces: readonly string[] = ["data"],
) {
  let watch: http.ServerResponse | undefined;
  const api = await fakeApi((asked, response) => {
    const own = answer(asked);
    if (own !== undefined) return own;
    if (asked.method === "PATCH") return { body: {} };
    if (asked.method === "POST") return { status: 201, body: {} };
    if (!asked.path.includes("watch=true"))
      return { body: { metadata: { resourceVersion: String(version) }, items: objects } };
    watch = response;
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    return undefined;
  });
  const files = await pod({ url: api.url, ca: api.ca, token: "token" });
  const client = new KubernetesApi(place(files.environment));
  const stop = new AbortController();
  const judged: JudgedResource[] = [];
  const published: string[][] = [];
  const problems: SourceProblem[] = [];
  const bugs: unknown[] = [];
  let items: readonly Item[] = [];
  const source = followIntegrations({
    api: client,
    namespaces,
    clock: systemClock,
    random: () => 0.5,
    instance: "pod-0",
    judge: (one) => {
      judged.push(one);
      const spec = one.spec as { wrong?: string; bug?: boolean };
      if (spec.bug === true) return Promise.reject(new TypeError("bug"));
      if (spec.wrong === undefined)
        return Promise.resolve(crdItem(`${one.name}.${one.namespace}`, JSON.stringify(one.spec)));
      return Promise.resolve([{ file: "", line: 1, column: 1, path: "spec.wrong", text: spec.wrong }]);
    },
    onItems: (next) => {
      items = next;
      published.push(next.map(({ name, digest }) => `${name} ${digest}`));
    },
    onProblem: (problem) => void problems.push(problem),
    onUnknown: (error) => void bugs.push(error),
    signal: stop.signal,
  });
  over.push(async () => {
    stop.abort();
    await source.ended;
    await client.close();
    await files[Symbol.asyncDispose]();
    await api[Symbol.asyncDispose]();
  });
  return {
    source,
    judged,
    published,
    problems,
    bugs,
    items: () => items,
    asked: api.asked,
    patches: () => api.asked.filter(({ method }) => method === "PATCH"),
    send: async (...events: object[]): Promise<void> => {
      const open = await eventually("a watch", () => watch);
      for (const event of events) open.write(`${JSON.stringify(event)}\n`);
    },
    end: (): void => {
      watch?.end();
      watch = undefined;
    },
  };
}

const modified = (object: Object): object => ({ type: "MODIFIED", object });
const isWatch = ({ path }: Asked): boolean => path.includes("watch=true");
type Body = { status: { observedGeneration: number; conditions: { reason: string; message: string }[] } };
const bodyOf = ({ body }: Asked): Body => JSON.parse(body) as Body;

describe("the source of Integration resources", () => {
  test("one that came too late is taken up where another one makes room", async () => {
    const all = Array.from({ length: 4_001 }, (_, index) => resource(`a-${index}`, 1));
    const it = await harness(all);
    const last = (): boolean => it.items().some(({ name }) => name === "a-4000.data");
    await eventually("the most", () => it.items().length === 4_000 || undefined);
    expect(last()).toBe(false);
    await it.send({ type: "DELETED", object: all[7] });
    await eventually("the last", () => last() || undefined);
    expect(it.items()).toHaveLength(4_000);
  });

  test("follows more namespaces than a pool has connections, and still writes their statuses", async () => {
    const namespaces = Array.from({ length: 20 }, (_, index) => `team-${index}`);
    const answer = ({ path }: Asked): Reply | undefined => {
      const [, namespace = ""] = /namespaces\/([^/]+)\/integrations\?limit/.exec(path) ?? [];
      if (namespace === "") return undefined;
      const { metadata, ...rest } = resource("a", 1);
      const items = [{ ...rest, metadata: { ...metadata, namespace, uid: namespace } }];
      return { body: { metadata: { resourceVersion: String(version) }, items } };
    };
    const it = await harness([], answer, namespaces);
    await eventually("all of them", () => it.items().length === namespaces.length || undefined);
    await eventually(
      "their watches",
      () => it.asked.filter(isWatch).length === namespaces.length || undefined,
    );
    for (const item of it.items()) it.source.tell(item, report(), Date.now());
    await eventually("their statuses", () => it.patches().length === namespaces.length || undefined);
  });

  test("judges what changed, once however often it did; a status that comes back is no news", async () => {
    const it = await harness([resource("a", 1), resource("b", 1)]);
    await eventually("both", () => it.items().length === 2 || undefined);
    expect(it.judged).toHaveLength(2);
    await it.send(
      ...Array.from({ length: 50 }, (_, index) => modified(resource("a", index + 2, { n: index }))),
    );
    await eventually("the last", () => it.items().find(({ digest }) => digest === '{"n":49}'));
    expect(it.judged.length).toBeLessThanOrEqual(4);
    const judged = it.judged.length;
    await it.send(modified(resource("a", 51, { n: 49 })), modified(resource("b", 1)));
    await pause(250);
    expect(it.judged).toHaveLength(judged);
  });

  test("edited and edited back: no new item, and the status is about the new generation", async () => {
    const it = await harness([resource("a", 1)]);
    const item = await eventually("the item", () => it.items()[0]);
    it.source.tell(item, report({ name: "a.data" }), Date.now());
    await eventually("a write", () => it.patches().length === 1 || undefined);
    await it.send(modified(resource("a", 2, { other: true })), modified(resource("a", 3)));
    await eventually("another write", () => it.patches().length === 2 || undefined);
    expect(it.published).toHaveLength(1);
    expect(bodyOf(it.patches()[1]!).status.observedGeneration).toBe(3);
    // A late word on an item that is not like that any more.
    it.source.tell({ ...item, digest: "other" }, report({ state: "error" }), Date.now());
    await pause(150);
    expect(it.patches()).toHaveLength(2);
  });

  test("one that is wrong is told so and is no item; one that is too long is not even kept", async () => {
    const it = await harness([
      resource("a", 1, { wrong: "must be right" }),
      resource("b", 1, { x: "x".repeat(70_000) }),
    ]);
    await eventually("two writes", () => it.patches().length === 2 || undefined);
    // Each goes by a connection of its own: either may come first.
    const [a, b] = it
      .patches()
      .toSorted((one, other) => one.path.localeCompare(other.path))
      .map(bodyOf);
    expect(a?.status.conditions[0]).toMatchObject({
      reason: "ConfigInvalid",
      message: "spec.wrong: must be right",
    });
    expect(b?.status.conditions[0]).toMatchObject({
      message: "spec: is longer than 16 KiB; make it smaller",
    });
    expect(it.judged.map(({ name }) => name)).toEqual(["a"]);
    expect([it.items(), it.source.counts().invalid]).toEqual([[], 2]);
  });

  test("a policy that changes has all of them judged anew", async () => {
    const it = await harness([resource("a", 1), resource("b", 1)]);
    await eventually("both", () => it.items().length === 2 || undefined);
    it.source.rejudge();
    await eventually("four", () => it.judged.length === 4 || undefined);
    await pause(150);
    expect(it.published).toHaveLength(1);
  });

  test("a version that is forgotten: all is listed again, and what is gone goes", async () => {
    const objects = [resource("a", 1), resource("b", 1)];
    const it = await harness(objects);
    await eventually("both", () => it.items().length === 2 || undefined);
    objects.splice(0, 1, resource("c", 1));
    await it.send({
      type: "ERROR",
      object: { kind: "Status", code: 410, reason: "Expired", message: "prose" },
    });
    await eventually(
      "b and c",
      () =>
        it
          .items()
          .map(({ name }) => name)
          .join() === "b.data,c.data" || undefined,
    );
    expect(it.problems).toEqual([]);
    expect(it.judged.map(({ name }) => name)).toEqual(["a", "b", "c"]);
  });

  test("an API server that is away takes nothing away, says so once, and that it is over", async () => {
    let away = false;
    const it = await harness([resource("a", 1)], ({ path }) =>
      away && path.includes("integrations") ? { status: 503, reason: "ServiceUnavailable" } : undefined,
    );
    await eventually("the item", () => it.items().length === 1 || undefined);
    away = true;
    it.end();
    await eventually("a problem", () => it.problems[0]);
    await eventually("two losses", () => it.source.counts().losses >= 2 || undefined);
    expect(it.problems.map(({ doing, text }) => [doing, text])).toEqual([
      [
        "follow",
        expect.stringMatching(
          /^Integration resources of namespace data cannot be followed: the API server 127\.0\.0\.1:\d+ answered 503 ServiceUnavailable\. It is tried again\.$/,
        ),
      ],
    ]);
    expect(it.items()).toHaveLength(1);
    away = false;
    await eventually("it is over", () => it.problems.find(({ text }) => text === null));
    expect(it.published).toHaveLength(1);
  });

  test("a bug in judging one of them keeps none of the others", async () => {
    const it = await harness([resource("a", 1, { bug: true }), resource("b", 1)]);
    await eventually("the other", () => it.items().length === 1 || undefined);
    expect(it.bugs).toMatchObject([{ message: "bug" }]);
  });

  test("one that is being deleted is gone", async () => {
    const it = await harness([resource("a", 1)]);
    await eventually("the item", () => it.items().length === 1 || undefined);
    const going = resource("a", 2);
    await it.send(
      modified({
        ...going,
        metadata: { ...going.metadata, deletionTimestamp: "2026-01-02T03:04:05Z" },
      } as Object),
    );
    await eventually("none", () => it.items().length === 0 || undefined);
  });

  test("a list of many comes in small pages", async () => {
    const it = await harness([]);
    await it.source.listed;
    expect(it.asked[0]?.path).toContain("limit=50");
  });
});
