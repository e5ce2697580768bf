/** The source of Integration resources as a connector has it: by a ServiceAccount with these rights and no others. */
import { readFileSync } from "node:fs";
import net from "node:net";
import { check } from "../../src/connector/check.ts";
import { type Clock, systemClock } from "../../src/connector/clock.ts";
import { judgeIntegrationResource } from "../../src/connector/config/resource.ts";
import type { SourceProblem } from "../../src/connector/crd/trouble.ts";
import type { Network } from "../../src/connector/dial/network.ts";
import { createNetwork } from "../../src/connector/dial/place.ts";
import type { CrdPolicy, Item } from "../../src/connector/item.ts";
import { KubernetesApi } from "../../src/connector/kubernetes/api.ts";
import { type FollowedIntegrations, followIntegrations } from "../../src/connector/sources/crd.ts";
import type { Report } from "../../src/protocol/report.ts";
import { listening, OpenSockets } from "../fake/target.ts";
import { kinds, place } from "../fake/secret.ts";
import { eventually } from "../process/programs.ts";
import { pod } from "../stores/kubernetes/pod.ts";
import type { Api } from "./api.ts";

/** What the chart grants in a namespace that is watched (mooring-connector.integrationRules). */
export const RULES = [
  { apiGroups: ["mooring.dev"], resources: ["integrations"], verbs: ["get", "list", "watch"] },
  { apiGroups: ["mooring.dev"], resources: ["integrations/status"], verbs: ["patch"] },
  { apiGroups: [""], resources: ["events"], verbs: ["create"] },
];
type Rule = (typeof RULES)[number];

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
  readonly observedGeneration: number;
}

export interface Resource {
  readonly metadata: { readonly name: string; readonly resourceVersion: string; readonly generation: number };
  readonly status?: {
    readonly observedGeneration: number;
    readonly lastCheckTime?: string;
    /** Absent until the connector has written them. */
    readonly conditions?: Condition[];
    readonly remedy?: { text: string; command?: string }[];
  };
}

export interface FollowOptions {
  readonly namespaces?: readonly string[] | "all";
  readonly policy?: CrdPolicy;
  /** Instead of the API server's own. */
  readonly url?: string;
  readonly clock?: Clock;
  readonly account?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** How looks find their targets; default: as this machine does. */
  readonly network?: Network;
}

export interface Follower extends AsyncDisposable {
  readonly source: FollowedIntegrations;
  readonly items: () => readonly Item[];
  /** How often the items were published. */
  readonly published: () => number;
  readonly problems: readonly SourceProblem[];
  readonly bugs: readonly unknown[];
  /** Calls so far: `patch integrations 200`. */
  readonly calls: readonly string[];
  item(name: string): Promise<Item>;
  /** A real look at an item, told as the connector tells it. */
  look(name: string): Promise<Report>;
}

/** Makes a ServiceAccount with a Role of these rules in each namespace. */
export async function account(
  api: Api,
  name: string,
  namespaces: readonly string[],
  rules: readonly Rule[] = RULES,
): Promise<void> {
  const rbac = "rbac.authorization.k8s.io";
  const subjects = [{ kind: "ServiceAccount", name, namespace: "mooring" }];
  const items = namespaces.flatMap((namespace) => [
    { apiVersion: `${rbac}/v1`, kind: "Role", metadata: { name, namespace }, rules },
    {
      apiVersion: `${rbac}/v1`,
      kind: "RoleBinding",
      metadata: { name, namespace },
      roleRef: { apiGroup: rbac, kind: "Role", name },
      subjects,
    },
  ]);
  const own = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name, namespace: "mooring" } };
  const stdin = JSON.stringify({ apiVersion: "v1", kind: "List", items: [own, ...items] });
  await api.kubectl(["apply", "-f", "-"], { stdin });
}

export async function follower(api: Api, options: FollowOptions = {}): Promise<Follower> {
  const {
    namespaces = ["data"],
    policy,
    url = api.url,
    clock = systemClock,
    account = "connector",
  } = options;
  const { network = createNetwork({}, []), environment = {} } = options;
  const token = await api.serviceAccountToken("mooring", account);
  const files = await pod({ url, ca: readFileSync(api.caFile, "utf8"), token });
  const calls: string[] = [];
  const client = new KubernetesApi({
    ...place(files.environment),
    clock,
    onAnswer: ({ verb, resource, status }) => void calls.push(`${verb} ${resource} ${status}`),
  });
  const stop = new AbortController();
  const problems: SourceProblem[] = [];
  const bugs: unknown[] = [];
  let items: readonly Item[] = [];
  let published = 0;
  const known = kinds({ ...files.environment, ...environment });
  const source = followIntegrations({
    api: client,
    namespaces,
    clock,
    random: Math.random,
    instance: "mooring-connector-0",
    judge: (resource) => judgeIntegrationResource(resource, policy, known),
    onItems: (next) => {
      items = next;
      published += 1;
    },
    onProblem: (problem) => void problems.push(problem),
    onUnknown: (error) => void bugs.push(error),
    signal: stop.signal,
  });
  const item = (name: string): Promise<Item> =>
    eventually(`item ${name}`, () => items.find((one) => one.name === name), {
      seen: () => JSON.stringify([items.map(({ name }) => name), problems]),
    });
  return {
    source,
    items: () => items,
    published: () => published,
    problems,
    bugs,
    calls,
    item,
    async look(name) {
      const one = await item(name);
      const report = await check(one, { clock: systemClock, network });
      source.tell(one, report, Date.now());
      return report;
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await source.ended;
      await Promise.all([client.close(), ...[...known.opened.values()].map((store) => store.close?.())]);
      await files[Symbol.asyncDispose]();
    },
  };
}

/** A way to the API server that can be cut. */
export interface Way extends AsyncDisposable {
  readonly url: string;
  cut(): void;
}

export async function wayTo(url: string): Promise<Way> {
  const sockets = new OpenSockets();
  const server = net.createServer((socket) => {
    const onward = net.connect(Number(new URL(url).port), "127.0.0.1");
    for (const one of [socket, onward]) sockets.add(one);
    socket.once("close", () => onward.destroy());
    onward.once("close", () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  });
  const target = await listening(server);
  return {
    url: `https://127.0.0.1:${target.port}`,
    cut: () => sockets.destroy(),
    async [Symbol.asyncDispose]() {
      sockets.destroy();
      await target[Symbol.asyncDispose]();
    },
  };
}
