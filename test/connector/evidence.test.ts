/** What an unreachable verdict adds where the target is a Service whose Pods are all ready: it fits how the look ended. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/connector/clock.ts";
import { ClusterEvidence } from "../../src/connector/evidence/evidence.ts";
import type { Item } from "../../src/connector/item.ts";
import { KubernetesApi } from "../../src/connector/kubernetes/api.ts";
import type { Report } from "../../src/protocol/report.ts";
import { place } from "../fake/secret.ts";
import { type FakeApi, fakeApi, type Reply } from "../stores/kubernetes/fake-api.ts";
import { type Pod, pod } from "../stores/kubernetes/pod.ts";
import { ended } from "./crd/parts.ts";
import { tcpItem } from "./session/harness.ts";

const SERVICE = { metadata: { name: "shop" }, spec: { selector: { app: "shop" }, ports: [{ port: 80 }] } };
const READY = { conditions: [{ type: "Ready", status: "True" }] };

/** What the API server lists as the Service's Pods. */
const READY_POD = { metadata: { name: "shop-0" }, status: READY };
const DONE_POD = { metadata: { name: "migrate" }, status: { phase: "Succeeded" } };
let pods: object[] = [READY_POD];

function answer(path: string): Reply {
  if (path.includes("/services/")) return { body: SERVICE };
  const slice = { metadata: { name: "shop-x" }, endpoints: [{ conditions: { ready: true } }] };
  const items = path.includes("/endpointslices") ? [slice] : pods;
  return { body: { metadata: { resourceVersion: "1" }, items } };
}

describe("behind a Service whose Pods are ready", () => {
  let api: FakeApi;
  let files: Pod;
  let client: KubernetesApi;
  beforeAll(async () => {
    api = await fakeApi(({ path }) => answer(path));
    files = await pod({ url: api.url, ca: api.ca, token: "token" });
    client = new KubernetesApi(place(files.environment));
  });
  afterAll(async () => {
    await client.close();
    await files[Symbol.asyncDispose]();
    await api[Symbol.asyncDispose]();
  });

  async function told(stage: "resolve" | "connect" | "respond", reason: NonNullable<Report["reason"]>) {
    const item = { ...tcpItem("shop", 80), config: { host: "shop.web.svc", port: 80 } } as Item;
    const evidence = new ClusterEvidence({ api: client, namespace: "mooring", clock: systemClock });
    const before = ended(stage, reason, "integration_unreachable");
    const { findings, remedy } = await evidence.add(item, before, new AbortController().signal);
    return {
      wrong: findings.filter(({ verdict }) => verdict === "failed").map(({ text }) => text),
      seen: findings.length,
      commands: remedy.map(({ command }) => command),
    };
  }

  test("silence is a policy's, or the node's", async () => {
    const { wrong, commands } = await told("connect", "connect_timeout");
    expect(wrong).toEqual([
      expect.stringContaining("its address does not answer from here: a network policy"),
    ]);
    expect(commands).toEqual(["kubectl -n web get networkpolicies"]);
  });

  test("a refusal is the port's", async () => {
    const { wrong, commands } = await told("connect", "connection_refused");
    expect(wrong).toEqual([expect.stringContaining("nothing listens at the targetPort of port 80")]);
    expect(commands).toEqual(["kubectl -n web describe service shop"]);
  });

  test.each([
    ["respond", "unexpected_status"],
    ["resolve", "dns_unavailable"],
    ["connect", "connection_reset"],
  ] as const)("what ended at %s with %s blames no policy", async (stage, reason) => {
    expect(await told(stage, reason)).toEqual({ wrong: [], seen: 3, commands: [] });
  });

  test("what our own policy forbids is not looked behind", async () => {
    expect(await told("connect", "address_forbidden")).toEqual({ wrong: [], seen: 0, commands: [] });
  });

  test("a Job's Pod that is done is not held against the Service", async () => {
    pods = [READY_POD, DONE_POD];
    expect(await told("respond", "unexpected_status")).toEqual({ wrong: [], seen: 3, commands: [] });
    pods = [DONE_POD];
    const { wrong } = await told("connect", "connection_refused");
    expect(wrong).toEqual([
      "no Pod has the labels that shop selects: app=shop, but for 1 that have done their work",
    ]);
    pods = [READY_POD];
  });
});
