import type {
  Connector,
  Integration,
  Sample,
  Secret,
  Transition,
  Walked,
} from "../../src/control-plane/web/api/shapes.ts";

/** What the stand-in shows: many states, each as the control plane would tell it. */
export interface World {
  readonly connectors: Map<string, Connector>;
  readonly integrations: Map<string, Integration>;
  /** By `connector/id`. */
  readonly secrets: Map<string, Secret>;
}

const MINUTE = 60_000;
const PATHS: Readonly<Record<string, readonly string[]>> = {
  postgresql: ["resolve", "connect", "tls", "secret", "respond", "authenticate", "authorize", "discover"],
  http: ["resolve", "connect", "tls", "secret", "respond", "authenticate", "authorize"],
  tcp: ["resolve", "connect"],
  tls: ["resolve", "connect", "tls"],
  kafka: ["resolve", "connect", "tls", "secret", "respond", "authenticate", "authorize"],
  redis: ["resolve", "connect", "secret", "respond", "authenticate"],
};
const TYPES = Object.keys(PATHS);
const NAMES = [
  "orders",
  "ledger",
  "search",
  "billing",
  "crm",
  "payments",
  "edge",
  "mail",
  "stock",
  "reports",
  "users",
  "tax",
];

/** A time some ms ago. */
export function ago(ms: number): string {
  return new Date(Date.now() - ms).toISOString();
}

/** A number from 0 to 1 that a word decides: the same at every run. */
export function chance(word: string): number {
  let hash = 2_166_136_261;
  for (const letter of word) hash = Math.imul(hash ^ letter.charCodeAt(0), 16_777_619);
  return ((hash >>> 8) % 10_000) / 10_000;
}

export function walked(path: readonly string[], upTo?: string, reason?: string): Walked[] {
  const stages: Walked[] = [];
  for (const stage of path) {
    const ok = stage !== upTo;
    const ms = Math.round((0.3 + chance(stage) * 6) * 10) / 10;
    stages.push(ok ? { stage, ok, ms } : { stage, ok, ms, reason });
    if (!ok) break;
  }
  return stages;
}

/** An integration that is online. */
export function online(connector: string, name: string, type: string): Integration {
  const path = PATHS[type] ?? [];
  const port = { postgresql: 5432, kafka: 9093, redis: 6379, tls: 443 }[type] ?? 8080;
  const checked = Math.floor(chance(name) * 50_000);
  return {
    name,
    type,
    state: "online",
    condition: null,
    stage: null,
    reason: null,
    message: `Integration ${name} is online.`,
    cause: null,
    remedy: [],
    coverage:
      type === "postgresql"
        ? [
            "that a replica answers: only the primary is dialled",
            "that CREATE ROLE works: the right is asked for, not used",
          ]
        : [],
    address:
      type === "http"
        ? `https://${name}.acme.example/health`
        : `${name}.data.svc:${port}${type === "postgresql" ? `/${name.replace(/-.*/, "")}` : ""}`,
    blockedBy: null,
    findings: [],
    path,
    stages: walked(path),
    connector,
    source: "file",
    since: ago(21 * 60 * MINUTE),
    checkedAt: ago(checked),
    nextCheckAt: new Date(Date.now() + 60_000 - checked).toISOString(),
    blocks: [],
    lastKnown: null,
  };
}

export function connector(name: string, more: Partial<Connector> = {}): Connector {
  return {
    name,
    id: `01a0c-${name}`,
    state: "connected",
    condition: null,
    reason: null,
    reasonSince: null,
    since: ago(50 * 60 * MINUTE),
    revokedAt: null,
    heartbeatMs: 15_000,
    lastHeartbeatAt: ago(4000),
    version: "1.4.2",
    install: { kind: "helm", namespace: "mooring", name: "mooring", release: "mooring" },
    message: `Connector ${name} is connected.`,
    cause: null,
    remedy: [],
    integrations: { online: 0, warning: 0, error: 0, unknown: 0 },
    ...more,
  };
}

/** A connection that is refused, as the picture has it. */
export function refused(base: Integration): Integration {
  return {
    ...base,
    state: "error",
    condition: "integration_unreachable",
    stage: "connect",
    reason: "connection_refused",
    message: `Integration ${base.name} is unreachable.`,
    cause: "10.96.41.7:5432 refused the connection: the host answers, but nothing listens on that port.",
    remedy: [
      {
        text: `Pod ${base.name}-0 is in CrashLoopBackOff. Read why it ended last time.`,
        command: `kubectl -n data logs ${base.name}-0 -c postgres --previous --tail=50`,
      },
      {
        text: `Pod ${base.name}-1 runs but fails its readiness probe. See the probe's answer.`,
        command: `kubectl -n data describe pod ${base.name}-1`,
      },
      {
        text: "Watch the Service get its endpoints back.",
        command: `kubectl -n data get endpointslices -l kubernetes.io/service-name=${base.name} --watch`,
      },
    ],
    findings: [
      {
        subject: "Name",
        verdict: "passed",
        text: `${base.name}.data.svc resolves to 10.96.41.7, the Service's cluster IP`,
      },
      {
        subject: "Service",
        verdict: "passed",
        text: `data/${base.name} exists, lists port 5432, selects app=${base.name}`,
      },
      { subject: "EndpointSlice", verdict: "failed", text: `${base.name}-x7k2p: 2 endpoints, 0 ready` },
      {
        subject: `Pod ${base.name}-0`,
        verdict: "failed",
        text: "CrashLoopBackOff: container postgres ended with exit code 1, 7 restarts",
      },
      {
        subject: `Pod ${base.name}-1`,
        verdict: "failed",
        text: "Running, not ready: readiness probe failed 49 times",
      },
      {
        subject: "NetworkPolicy",
        verdict: "not_checked",
        text: "The connector may not list networkpolicies in data. A refusal does not point there.",
      },
    ],
    stages: walked(base.path, "connect", "connection_refused"),
    since: ago(8 * MINUTE + 15_000),
    checkedAt: ago(6000),
    nextCheckAt: new Date(Date.now() + 51_000).toISOString(),
    blocks: base.path.includes("discover") ? ["orders-roles"] : [],
  };
}

/** A secret that lacks a field; it breaks whoever needs it. */
export function emptyField(base: Integration): Integration {
  return {
    ...base,
    state: "error",
    condition: "secret_invalid",
    stage: "secret",
    reason: "secret_field_empty",
    message: "Secret payments/stripe-live is invalid.",
    cause: "Field token is empty in the version written at 02:58:40.",
    remedy: [
      {
        text: "Write the token into the secret again.",
        command: "kubectl -n payments edit secret stripe-live",
      },
    ],
    blockedBy: { kind: "secret", id: "kubernetes-stripe" },
    stages: walked(base.path, "secret", "secret_field_empty"),
    since: ago(11 * MINUTE + 20_000),
  };
}

/** A secret as a connector tells it. */
export function secret(id: string, changes: Partial<Secret> = {}): Secret {
  const name = changes.name ?? id;
  return {
    id,
    connector: "prod-eu-1",
    store: "vault",
    storeType: "vault",
    name,
    state: "online",
    condition: null,
    stage: null,
    reason: null,
    message: `Secret ${name} is readable.`,
    cause: null,
    remedy: [],
    findings: [],
    usedBy: ["orders-db"],
    users: 1,
    version: "12",
    createdAt: ago(40 * 24 * 60 * MINUTE),
    expiresAt: null,
    lastReadAt: ago(2 * MINUTE),
    since: ago(21 * 60 * MINUTE),
    lastKnown: null,
    ...changes,
  };
}

/** One that fails for two, one that ends soon, some that work. */
export function someSecrets(): Secret[] {
  const { message, cause, remedy, condition, stage, reason, state, since } = emptyField(
    online("prod-eu-2", "stripe-api", "http"),
  );
  return [
    secret("kubernetes-stripe", {
      ...{
        connector: "prod-eu-2",
        store: "kubernetes",
        storeType: "kubernetes",
        name: "payments/stripe-live",
      },
      ...{ message, cause, remedy: [...remedy], condition, stage, reason, state, since },
      usedBy: ["stripe-api", "stripe-webhooks"],
      users: 2,
      version: null,
    }),
    secret("aws-edge", {
      ...{ store: "aws-prod", storeType: "aws", name: "prod/edge/token", usedBy: ["edge-tls"] },
      ...{ state: "warning", stage: "secret", reason: "secret_expiring" },
      message: "Secret prod/edge/token works, with a gap.",
      cause: "Secret prod/edge/token ends in 5 d.",
      remedy: [{ text: "Write a new version of secret prod/edge/token before then.", command: null }],
      expiresAt: new Date(Date.now() + 5 * 24 * 60 * MINUTE).toISOString(),
    }),
    secret("vault-orders", { name: "kv/orders/db" }),
    secret("gcp-ledger", {
      ...{ connector: "prod-eu-2", store: "gcp", storeType: "gcp", name: "projects/acme/secrets/ledger" },
      usedBy: ["ledger-db", "ledger-reports", "ledger-archive"],
      users: 140,
    }),
  ];
}

/** A warning: it works, with a gap. */
export function expiring(base: Integration): Integration {
  return {
    ...base,
    state: "warning",
    stage: "tls",
    reason: "certificate_expiring",
    message: `Integration ${base.name} works, with a gap.`,
    cause: "The certificate of edge.acme.example ends in 9 days, on 1 December.",
    remedy: [
      { text: "Renew the certificate.", command: `kubectl -n edge describe certificate ${base.name}` },
    ],
    since: ago(3 * 24 * 60 * MINUTE),
  };
}

/** Behind a silent connector. */
export function behind(base: Integration, silent: Connector): Integration {
  const at = ago(6 * MINUTE + 12_000);
  return {
    ...base,
    state: "unknown",
    condition: null,
    stage: null,
    reason: "heartbeat_missed",
    message: `Integration ${base.name} is unknown (last known: ${base.state} at ${at}).`,
    cause: silent.message,
    remedy: [...silent.remedy],
    blockedBy: { kind: "connector", id: silent.id },
    stages: [],
    findings: [],
    since: silent.since,
    checkedAt: at,
    nextCheckAt: null,
    lastKnown: { state: base.state, reason: base.reason, at },
  };
}

/** prod-us-2 as it is when nothing is heard of it. */
export function silentConnector(name: string): Connector {
  const lastHeartbeatAt = ago(6 * MINUTE + 12_000);
  return connector(name, {
    state: "unreachable",
    condition: "connector_unreachable",
    reason: "heartbeat_missed",
    since: ago(5 * MINUTE + 27_000),
    lastHeartbeatAt,
    version: "1.4.1",
    message: `Connector ${name} is unreachable.`,
    cause: `No heartbeat of connector ${name} has come for 6 min 12 s.`,
    remedy: [
      {
        text: "See whether its pod runs.",
        command: "kubectl -n mooring get pods -l app.kubernetes.io/instance=mooring -o wide",
      },
      {
        text: "Read what it says of the control plane.",
        command: "kubectl -n mooring logs -l app.kubernetes.io/instance=mooring --tail=50",
      },
      {
        text: "Let its network reach https://mooring.acme.example: the connector opens the connection, nothing needs to reach it.",
        command: null,
      },
    ],
  });
}

function count(world: World): void {
  for (const [name, one] of world.connectors) {
    const integrations = { online: 0, warning: 0, error: 0, unknown: 0 };
    for (const item of world.integrations.values())
      if (item.connector === name) integrations[item.state] += 1;
    world.connectors.set(name, { ...one, integrations });
  }
}

/** `total` integrations over a few connectors, with the troubles of the pictures among them. */
export function makeWorld(total: number): World {
  const world: World = { connectors: new Map(), integrations: new Map(), secrets: new Map() };
  const names = [
    "prod-eu-1",
    "prod-eu-2",
    "prod-us-2",
    "prod-ap-1",
    "staging-eu-1",
    "prod-us-1",
    "prod-us-3",
    "lab-1",
  ];
  for (const name of names)
    world.connectors.set(name, name === "prod-us-2" ? silentConnector(name) : connector(name));
  const put = (item: Integration): void =>
    void world.integrations.set(`${item.connector}/${item.name}`, item);
  put(refused(online("prod-eu-1", "orders-db", "postgresql")));
  put(expiring(online("prod-eu-1", "edge-tls", "tls")));
  put({
    ...expiring(online("prod-eu-1", "warehouse", "postgresql")),
    stage: "discover",
    reason: "discovery_forbidden",
    message: "Discovery of resources failed.",
    cause: "3 of 5 resource types were read; user mooring may not read pg_authid.",
    since: ago(2 * 60 * MINUTE),
  });
  put(emptyField(online("prod-eu-2", "stripe-api", "http")));
  put(emptyField(online("prod-eu-2", "stripe-webhooks", "http")));
  const silent = world.connectors.get("prod-us-2");
  for (let index = world.integrations.size; index < total; index += 1) {
    const place = names[index % names.length] ?? "lab-1";
    const type = TYPES[index % TYPES.length] ?? "tcp";
    const item = online(place, `${NAMES[index % NAMES.length]}-${type.slice(0, 4)}-${index}`, type);
    put(place === "prod-us-2" && silent !== undefined ? behind(item, silent) : item);
  }
  for (const one of someSecrets()) world.secrets.set(`${one.connector}/${one.id}`, one);
  count(world);
  return world;
}

const BUCKET = 5 * MINUTE;

/** A day of buckets, with the troubles where the state says so. */
export function samplesFor(item: Integration): Sample[] {
  const samples: Sample[] = [];
  const last = Math.floor(Date.now() / BUCKET) * BUCKET;
  const base = 2 + chance(item.name) * 6;
  for (let index = 287; index >= 0; index -= 1) {
    const at = new Date(last - index * BUCKET).toISOString();
    const noise = (chance(`${item.name} ${index * 7919}`) + chance(`${index * 104_729} ${item.name}`)) / 2;
    const failed = item.state === "error" && (index < 2 || (index > 226 && index < 233));
    const state = failed ? "error" : item.state === "warning" && index < 24 ? "warning" : "online";
    if (item.state === "unknown" && index < 2) continue;
    const median = Math.round((base + noise * 1.2 + (noise > 0.93 ? base * 0.9 : 0)) * 10) / 10;
    samples.push({ at, state, min: median * 0.8, median, max: median * 1.4 });
  }
  return samples;
}

/** Transitions, newest first. */
export function historyFor(item: Integration): Transition[] {
  const change = (
    at: string,
    from: Transition["from"],
    to: Transition["to"],
    stage: string | null,
    reason: string | null,
  ): Transition => ({
    at,
    from,
    to,
    condition: null,
    stage,
    reason,
    message: "",
    observed: "event",
  });
  if (item.state === "online")
    return [
      change(item.since, "error", "online", null, null),
      change(ago(21 * 60 * MINUTE + 584_000), "online", "error", "connect", "connect_timeout"),
    ];
  return [
    change(item.since, "online", item.state, item.stage, item.reason),
    change(ago(19 * 60 * MINUTE), "error", "online", null, null),
    change(ago(19 * 60 * MINUTE + 32 * MINUTE + 35_000), "online", "error", "connect", "connect_timeout"),
  ];
}
