import { once } from "node:events";
import https from "node:https";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { StorePlace } from "../../src/connector/secrets/secret-store.ts";
import { createAuthority } from "../../src/demo/certificates.ts";
import type { ReasonCode } from "../../src/protocol/reasons.ts";
import { blackHole } from "../fake/black-hole.ts";
import { connectProxy } from "../fake/proxy.ts";
import { place } from "../fake/secret.ts";
import { httpServer, httpsServer } from "../fake/secure.ts";
import type { Refusal } from "./gcp/protos.ts";
import {
  canary,
  CREATED,
  type Google,
  google,
  LABEL,
  type Look,
  NAME,
  secret,
  tidy,
  version,
} from "./gcp/looking.ts";
import { expectTold, letterOf } from "./row.ts";
import { rest } from "./gcp/wires.ts";

let it: Google;
beforeAll(async () => {
  it = await google();
});
beforeEach(() => {
  const { manager } = it;
  manager.secrets.clear();
  manager.secrets.set(NAME, secret());
  for (const right of RIGHTS) manager.rights.add(right);
  manager.refuses = undefined;
  manager.location = undefined;
  manager.asked.length = 0;
});
afterAll(() => it[Symbol.asyncDispose]());

const ACCESS = "secretmanager.versions.access";
const RIGHTS = [
  ACCESS,
  "secretmanager.secrets.get",
  "secretmanager.versions.get",
  "secretmanager.secrets.list",
];
const REGIONAL = "projects/shop/locations/europe-west3/secrets/orders-db";

/** What the connector has by roles/secretmanager.secretAccessor on the secret. */
function leastRights(): void {
  it.manager.rights.clear();
  it.manager.rights.add(ACCESS);
}

/** A refusal by Google's front ends, before Secret Manager itself has looked. */
function front(reason: string, message = "prose that nobody is to see"): Refusal {
  const metadata = { consumer: "projects/shop", service: "secretmanager.googleapis.com" };
  return { code: "PERMISSION_DENIED", message, info: { reason, domain: "googleapis.com", metadata } };
}

/** The value alone is refused. */
function refuseAccess(refusal: Refusal): void {
  it.manager.refuses = (method) => (method === "AccessSecretVersion" ? refusal : undefined);
}

const KEY = "projects/shop/locations/europe-west3/keyRings/ring/cryptoKeys/orders";
const UID = "VQQnKfXtZ16NHnOmdJAy0E92tVT_8fZZ";

interface Row {
  readonly is: string;
  readonly given: () => void;
  readonly look?: Look;
  readonly reason: ReasonCode;
}

const ROWS: readonly Row[] = [
  {
    is: "no such secret, and one of nearly that name",
    given: () => it.manager.secrets.clear(),
    look: { name: "projects/shop/secrets/Orders_DB" },
    reason: "secret_not_found",
  },
  {
    is: "no such secret, and only the value may be read",
    given: () => {
      it.manager.secrets.clear();
      leastRights();
    },
    reason: "secret_not_found",
  },
  {
    is: "no such regional secret",
    given: () => {
      it.manager.secrets.clear();
      it.manager.location = "europe-west3";
    },
    look: { name: REGIONAL },
    reason: "secret_not_found",
  },
  {
    is: "no such secret, found by the gate",
    given: () => it.manager.secrets.clear(),
    look: { optIn: true },
    reason: "secret_not_found",
  },
  {
    is: "no such version",
    given: () => {},
    look: { name: `${NAME}/versions/7` },
    reason: "secret_not_found",
  },
  {
    is: "no such version, and only the value may be read",
    given: leastRights,
    look: { name: `${NAME}/versions/7` },
    reason: "secret_not_found",
  },
  {
    is: "a secret without versions",
    given: () => void it.manager.secrets.set(NAME, secret({ versions: [] })),
    reason: "secret_not_found",
  },
  {
    is: "no such project",
    given: () => refuseAccess(front("CONSUMER_INVALID", "Permission denied on resource project shop.")),
    reason: "secret_not_found",
  },
  {
    is: "a project that is none",
    given: () => refuseAccess({ ...front("RESOURCE_PROJECT_INVALID"), code: "INVALID_ARGUMENT" }),
    reason: "secret_not_found",
  },
  {
    is: "no right to the value of a secret that is there",
    given: () => void it.manager.rights.delete(ACCESS),
    reason: "secret_forbidden",
  },
  { is: "no right at all", given: () => it.manager.rights.clear(), reason: "secret_forbidden" },
  {
    is: "no right at all, regional",
    given: () => {
      it.manager.rights.clear();
      it.manager.location = "europe-west3";
    },
    look: { name: REGIONAL },
    reason: "secret_forbidden",
  },
  {
    is: "no right to the value, and the secret is not there",
    given: () => {
      it.manager.secrets.clear();
      it.manager.rights.delete(ACCESS);
    },
    reason: "secret_not_found",
  },
  { is: "no right to the labels", given: leastRights, look: { optIn: true }, reason: "secret_forbidden" },
  { is: "API not enabled", given: () => refuseAccess(front("SERVICE_DISABLED")), reason: "secret_forbidden" },
  { is: "billing off", given: () => refuseAccess(front("BILLING_DISABLED")), reason: "secret_forbidden" },
  {
    is: "project suspended",
    given: () => refuseAccess(front("CONSUMER_SUSPENDED")),
    reason: "secret_forbidden",
  },
  {
    is: "quota project",
    given: () => refuseAccess(front("USER_PROJECT_DENIED")),
    reason: "secret_forbidden",
  },
  {
    is: "VPC Service Controls",
    given: () => {
      const prose = `Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: ${UID}`;
      const refusal = front("SECURITY_POLICY_VIOLATED", prose);
      const metadata = { ...refusal.info?.metadata, uid: UID };
      const info = { reason: "SECURITY_POLICY_VIOLATED", domain: "googleapis.com", metadata };
      refuseAccess({ ...refusal, info, violation: UID });
    },
    reason: "secret_forbidden",
  },
  {
    is: "VPC Service Controls, with an id that is none",
    given: () => {
      const refusal = front("SECURITY_POLICY_VIOLATED");
      const info = {
        reason: "SECURITY_POLICY_VIOLATED",
        domain: "googleapis.com",
        metadata: { uid: '"; rm -rf /' },
      };
      refuseAccess({ ...refusal, info });
    },
    reason: "secret_forbidden",
  },
  { is: "no label", given: () => {}, look: { optIn: true }, reason: "secret_not_tagged" },
  {
    is: "a label with another value",
    given: () => void it.manager.secrets.set(NAME, secret({ labels: { [LABEL]: "false" } })),
    look: { optIn: true },
    reason: "secret_not_tagged",
  },
  {
    is: "the newest version disabled",
    given: () =>
      void it.manager.secrets.set(NAME, secret({ versions: [version(), version({ state: "DISABLED" })] })),
    reason: "secret_disabled",
  },
  {
    is: "version disabled, and only the value may be read",
    given: () => {
      it.manager.secrets.set(NAME, secret({ versions: [version({ state: "DISABLED" })] }));
      leastRights();
    },
    look: { name: `${NAME}/versions/1` },
    reason: "secret_disabled",
  },
  {
    is: "version to be destroyed later",
    given: () => {
      const doomed = version({ state: "DISABLED", scheduledDestroy: CREATED + 86_400 });
      it.manager.secrets.set(NAME, secret({ versions: [doomed] }));
    },
    reason: "secret_disabled",
  },
  {
    is: "version destroyed",
    given: () => void it.manager.secrets.set(NAME, secret({ versions: [version({ state: "DESTROYED" })] })),
    look: { name: `${NAME}/versions/1` },
    reason: "secret_disabled",
  },
  {
    is: "key disabled",
    given: () => {
      const message = `${KEY}/cryptoKeyVersions/1 is not enabled, current state is: DISABLED.`;
      refuseAccess({ code: "FAILED_PRECONDITION", message });
    },
    reason: "secret_decrypt_forbidden",
  },
  {
    is: "key destroyed",
    given: () => {
      const message = `${KEY}/cryptoKeyVersions/1 is not enabled, current state is: DESTROYED.`;
      refuseAccess({ code: "FAILED_PRECONDITION", message });
    },
    reason: "secret_decrypt_forbidden",
  },
  {
    is: "key that Secret Manager may not use",
    given: () => {
      const right = "cloudkms.cryptoKeyVersions.useToDecrypt";
      const message = `Permission '${right}' denied on resource '${KEY}' (or it may not exist).`;
      const metadata = { permission: right, resource: KEY };
      const info = { reason: "IAM_PERMISSION_DENIED", domain: "iam.googleapis.com", metadata };
      refuseAccess({ code: "PERMISSION_DENIED", message, info });
    },
    reason: "secret_decrypt_forbidden",
  },
  {
    is: "key that Secret Manager may not use, and only the value may be read",
    given: () => {
      leastRights();
      const message = `Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied on resource '${KEY}'.`;
      refuseAccess({ code: "PERMISSION_DENIED", message });
    },
    reason: "secret_decrypt_forbidden",
  },
  {
    is: "a regional secret, the global endpoint named",
    given: () => {},
    look: { name: REGIONAL, config: { endpoint: "https://secretmanager.googleapis.com" } },
    reason: "secret_region_mismatch",
  },
  {
    is: "a global secret, a region's endpoint named",
    given: () => {},
    look: { config: { endpoint: "https://secretmanager.us-east1.rep.googleapis.com/" } },
    reason: "secret_region_mismatch",
  },
  {
    is: "a regional secret, an endpoint that turns out to be global",
    given: () => {},
    look: { name: REGIONAL },
    reason: "secret_region_mismatch",
  },
  {
    is: "a global secret, an endpoint that turns out to be regional",
    given: () => {
      it.manager.location = "us-east1";
    },
    look: { optIn: true },
    reason: "secret_region_mismatch",
  },
  {
    is: "quota used up, with a time to wait",
    given: () => {
      const metadata = {
        quota_limit: "AccessRequestsPerMinutePerProject",
        service: "secretmanager.googleapis.com",
      };
      const info = { reason: "RATE_LIMIT_EXCEEDED", domain: "googleapis.com", metadata };
      refuseAccess({ code: "RESOURCE_EXHAUSTED", message: "Quota exceeded", info, retry: 37 });
    },
    reason: "store_rate_limited",
  },
  {
    is: "quota used up, without",
    given: () => refuseAccess({ code: "RESOURCE_EXHAUSTED", message: "Quota exceeded" }),
    reason: "store_rate_limited",
  },
  {
    is: "unavailable",
    given: () => refuseAccess({ code: "UNAVAILABLE", message: "!" }),
    reason: "store_unreachable",
  },
  {
    is: "internal error",
    given: () => refuseAccess({ code: "INTERNAL", message: "!" }),
    reason: "store_unreachable",
  },
  {
    is: "its own deadline",
    given: () => refuseAccess({ code: "DEADLINE_EXCEEDED", message: "!" }),
    reason: "store_unreachable",
  },
  {
    is: "the value spoilt twice",
    given: () => void it.manager.secrets.set(NAME, secret({ versions: [version({ crc32c: "1" })] })),
    reason: "store_unreachable",
  },
  {
    is: "not UTF-8",
    given: () => {
      const data = Buffer.from([0xff, 0xfe, 0x00]);
      const { crc32c: _, ...rest } = version({ data });
      it.manager.secrets.set(NAME, secret({ versions: [rest] }));
    },
    reason: "secret_unparsable",
  },
  {
    is: "not JSON",
    given: () => void it.manager.secrets.set(NAME, secret({ versions: [version({ text: "{no" })] })),
    reason: "secret_unparsable",
  },
  {
    is: "an empty value",
    given: () => void it.manager.secrets.set(NAME, secret({ versions: [version({ text: "" })] })),
    reason: "secret_field_empty",
  },
  {
    is: "a field under another name",
    given: () => {
      const text = JSON.stringify({ user: "orders", password: canary("password") });
      it.manager.secrets.set(NAME, secret({ versions: [version({ text })] }));
    },
    reason: "secret_field_missing",
  },
];

const INVALID: readonly ReasonCode[] = ["secret_unparsable", "secret_field_empty", "secret_field_missing"];

describe("each fault by its name", () => {
  test.each(ROWS)("$is: $reason", async ({ is, given, look = {}, reason }) => {
    given();
    if (is.includes("nearly")) it.manager.secrets.set(NAME, secret());
    const report = await it.look(look);
    const condition = INVALID.includes(reason) ? "secret_invalid" : "secret_unreachable";
    expectTold(report, [condition, "secret", reason]);
    expect(JSON.stringify(report)).not.toMatch(/nobody is to see|rm -rf/);
    expect(tidy(letterOf(report), it)).toMatchSnapshot();
  });
});

describe("the way to the store", () => {
  test("nothing listens", async () => {
    const target = await httpServer(() => {});
    const endpoint = `http://127.0.0.1:${target.port}`;
    await target[Symbol.asyncDispose]();
    // Also where there is no identity: what is mended first is told first.
    for (const environment of [it.environment, { HOME: "/nonexistent", GCE_METADATA_HOST: "127.0.0.1:9" }]) {
      const report = await it.look({ config: { endpoint }, environment });
      expectTold(report, ["secret_unreachable", "secret", "store_unreachable"]);
      expect(letterOf(report)).toMatchSnapshot();
    }
  });

  test("a certificate that nobody trusts, until `ca` does", async () => {
    const authority = await createAuthority("Somebody's own");
    const { certPem, keyPem } = await authority.issue({ names: ["127.0.0.1"] });
    await using server = await httpsServer({ key: keyPem, cert: certPem }, rest(it.manager));
    const config = { endpoint: `https://127.0.0.1:${server.port}` };
    const report = await it.look({ config });
    expectTold(report, ["secret_unreachable", "secret", "store_unreachable"]);
    expect(letterOf(report)).toMatchSnapshot();
    const ca = await it.file("ca.pem", authority.certPem);
    expectTold(await it.look({ config, ca }), "online");
  });

  test("a proxy that refuses, and one that does not; the metadata server is asked without", async () => {
    await using closed = await connectProxy({ mode: "forbids" });
    const report = await it.look({ proxy: `http://127.0.0.1:${closed.port}` });
    expectTold(report, ["secret_unreachable", "secret", "store_unreachable"]);
    expect(letterOf(report)).toMatchSnapshot();
    await using open = await connectProxy({ mode: "works" });
    expectTold(await it.look({ proxy: `http://127.0.0.1:${open.port}` }), "online");
    expect(new Set(open.connects())).toEqual(new Set([new URL(it.url).host]));
  });

  test("a black hole, and a server that never answers, end at the deadline", async () => {
    await using hole = await blackHole();
    await using silent = await httpServer(() => {});
    for (const { port } of [hole, silent]) {
      const started = performance.now();
      const report = await it.look({ config: { endpoint: `http://127.0.0.1:${port}` }, timeoutMs: 600 });
      expect(performance.now() - started).toBeLessThan(2000);
      expectTold(report, ["secret_unreachable", "secret", "store_timeout"]);
      // Whether the place is known depends on who is faster: the deadline, or what ends for it.
      expect(letterOf(report).replace(" at 127.0.0.1:PORT", "")).toMatchSnapshot();
    }
  });

  test.each([
    ["a page of somebody else's", 404, "text/html", "<html>"],
    ["JSON of somebody else's", 403, "application/json", '{"message":"no"}'],
    ["a redirect", 302, "text/html", ""],
    ["a good answer that is none", 200, "text/html", "<html>"],
    ["a good answer of another kind", 200, "application/json", '{"payload":{"data":"***"}}'],
  ])("%s", async (_is, status, type, body) => {
    await using server = await httpServer((_request, response) =>
      response.writeHead(status, { "content-type": type, location: "https://example.com/" }).end(body),
    );
    const report = await it.look({ config: { endpoint: `http://127.0.0.1:${server.port}` } });
    expectTold(report, ["secret_unreachable", "secret", "store_unreachable"]);
    expect(letterOf(report)).toMatchSnapshot();
  });

  test("more than a secret can be is not read to its end", async () => {
    await using server = await httpServer((_request, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const pour = (): void => {
        while (!response.destroyed && response.write("x".repeat(65_536)));
      };
      response.on("drain", pour);
      pour();
    });
    const report = await it.look({ config: { endpoint: `http://127.0.0.1:${server.port}` } });
    expectTold(report, ["secret_unreachable", "secret", "store_unreachable"]);
    expect(letterOf(report)).toMatchSnapshot();
  });
});

describe("where Google's own endpoints are asked", () => {
  /** They are this machine; nothing but names and certificates shows it. */
  async function asGoogle(look: Look, hosts: readonly string[], ip: string) {
    const authority = await createAuthority("Google, for a test");
    const { certPem, keyPem } = await authority.issue({ names: [...hosts] });
    const ca = await it.file("google.pem", authority.certPem);
    const { network, ...here } = place(it.environment);
    const known = new Map(hosts.map((host) => [host, [ip]]));
    const resolver = { servers: [], search: [], ndots: 1, hosts: known };
    const where: StorePlace = { ...here, network: { ...network, resolver: () => Promise.resolve(resolver) } };
    return { certPem, keyPem, look: { ca, config: { endpoint: undefined }, place: where, ...look } };
  }

  const GLOBAL_HOST = "secretmanager.googleapis.com";
  const REGION_HOST = "secretmanager.europe-west3.rep.googleapis.com";

  test.each([
    ["a global secret by the global one", NAME, GLOBAL_HOST, undefined],
    ["a regional one by its region's", REGIONAL, REGION_HOST, "europe-west3"],
  ])("%s", async (_is, name, host, location) => {
    const ip = "127.83.71.9";
    const { certPem, keyPem, look } = await asGoogle({ name }, [host], ip);
    it.manager.location = location;
    it.manager.secrets.set(name, secret());
    await using server = await onPort443(ip, { certPem, keyPem });
    expectTold(await it.look(look), "online");
    expect(server.asked()).toBeGreaterThan(0);
  });

  test("a global secret that is named as a regional one", async () => {
    const ip = "127.83.71.10";
    const { certPem, keyPem, look } = await asGoogle({ name: REGIONAL }, [GLOBAL_HOST, REGION_HOST], ip);
    await using server = await onPort443(ip, { certPem, keyPem }, (host) => {
      it.manager.location = host === REGION_HOST ? "europe-west3" : undefined;
    });
    const report = await it.look(look);
    expectTold(report, ["secret_unreachable", "secret", "secret_region_mismatch"]);
    expect(letterOf(report)).toMatchSnapshot();
    expect(server.asked()).toBe(3);
  });

  async function onPort443(
    host: string,
    { certPem, keyPem }: { certPem: string; keyPem: string },
    before: (host: string) => void = () => {},
  ) {
    let asked = 0;
    const server = https.createServer({ key: keyPem, cert: certPem }, (request, response) => {
      asked += 1;
      before(request.headers.host ?? "");
      rest(it.manager)(request, response);
    });
    server.listen(443, host);
    await once(server, "listening");
    const close = async (): Promise<void> => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    };
    return { asked: () => asked, [Symbol.asyncDispose]: close };
  }
});

describe("what is read", () => {
  const read = async (name = NAME, optIn = false) => {
    const store = it.open({ optIn });
    try {
      return await store.read({ name }, AbortSignal.timeout(5000));
    } finally {
      await store.close?.();
    }
  };

  test("the newest version, by its number, with its age and the secret's end", async () => {
    const expires = CREATED + 1000;
    it.manager.secrets.set(
      NAME,
      secret({ expires, versions: [version(), version({ created: CREATED + 5 })] }),
    );
    const { text: _, ...known } = await read();
    expect(known).toEqual({ version: "2", createdAt: (CREATED + 5) * 1000, expiresAt: expires * 1000 });
  });

  test("a pinned version, and the newer one; none where the newer is disabled", async () => {
    it.manager.secrets.set(NAME, secret({ versions: [version(), version()] }));
    expect(await read(`${NAME}/versions/1`)).toMatchObject({ version: "1", newerVersion: "2" });
    expect(await read(`${NAME}/versions/2`)).not.toHaveProperty("newerVersion");
    it.manager.secrets.set(NAME, secret({ versions: [version(), version({ state: "DISABLED" })] }));
    expect(await read(`${NAME}/versions/1`)).not.toHaveProperty("newerVersion");
  });

  test("the value alone, where nothing else may be read", async () => {
    leastRights();
    const { text, ...known } = await read();
    expect(text).toContain("password");
    expect(known).toEqual({ version: "1" });
  });

  test("a warning about the end and about the pinned version", async () => {
    const ends = Math.floor(Date.now() / 1000) + 3600;
    it.manager.secrets.set(NAME, secret({ expires: ends, versions: [version(), version()] }));
    const soon = await it.look({ ages: { expiresWithinMs: 7_200_000 } });
    expect([soon.state, soon.reason]).toEqual(["warning", "secret_expiring"]);
    const at = new Date(ends * 1000).toISOString().replace(".000Z", "Z");
    expect(
      letterOf(soon)
        .replaceAll(at, "TIME")
        .replace(/in (60|59) min/, "in SOON"),
    ).toMatchSnapshot();
    const stale = await it.look({ name: `${NAME}/versions/1` });
    expect([stale.state, stale.reason]).toEqual(["warning", "secret_stale"]);
    expect(letterOf(stale)).toMatchSnapshot();
    const old = await it.look({ ages: { expiresWithinMs: 0, staleAfterMs: 86_400_000 } });
    expect([old.state, old.reason]).toEqual(["warning", "secret_stale"]);
    expect(letterOf(old).replace(/, \d+ d ago/, ", N d ago")).toMatchSnapshot();
  });

  test("nothing before its label, which may be the alias", async () => {
    const failed = await it.look({ optIn: true });
    expect(failed.reason).toBe("secret_not_tagged");
    expect(it.manager.asked).toEqual([`GetSecret ${NAME}`]);
    it.manager.secrets.set(NAME, secret({ labels: { "apono-connector-read": "true" } }));
    expectTold(await it.look({ optIn: true }), "online");
    expect(it.manager.asked.slice(1, 3)).toEqual([
      `GetSecret ${NAME}`,
      `AccessSecretVersion ${NAME}/versions/latest`,
    ]);
  });

  test("again where its checksum is wrong once", async () => {
    const spoilt = version({ crc32c: "1" });
    it.manager.secrets.set(NAME, secret({ versions: [spoilt] }));
    it.manager.refuses = (method) => {
      const count = it.manager.asked.filter((one) => one.startsWith("AccessSecretVersion")).length;
      if (method === "AccessSecretVersion" && count === 2) it.manager.secrets.set(NAME, secret());
      return undefined;
    };
    expectTold(await it.look(), "online");
  });

  test("age and end are asked for once an hour, the value each time", async () => {
    let now = 0;
    const { clock, ...here } = place(it.environment);
    const store = it.open({ place: { ...here, clock: { ...clock, now: () => Date.now() + now } } });
    const signal = AbortSignal.timeout(10_000);
    const first = await store.read({ name: NAME }, signal);
    expect(await store.read({ name: NAME }, signal)).toEqual(first);
    const count = (method: string): number =>
      it.manager.asked.filter((one) => one.startsWith(`${method} `)).length;
    expect([count("AccessSecretVersion"), count("GetSecret"), count("GetSecretVersion")]).toEqual([2, 1, 1]);
    it.manager.secrets.get(NAME)?.versions.push(version({ created: CREATED + 9 }));
    expect(await store.read({ name: NAME }, signal)).toMatchObject({
      version: "2",
      createdAt: (CREATED + 9) * 1000,
    });
    now = 3_600_001;
    await store.read({ name: NAME }, signal);
    expect([count("AccessSecretVersion"), count("GetSecret"), count("GetSecretVersion")]).toEqual([4, 3, 3]);
    await store.close?.();
  });

  test("where that fails, it is asked for again in a minute", async () => {
    let now = 0;
    const { clock, ...here } = place(it.environment);
    const store = it.open({ place: { ...here, clock: { ...clock, now: () => Date.now() + now } } });
    const signal = AbortSignal.timeout(10_000);
    it.manager.refuses = (method) =>
      method.startsWith("Get") ? { code: "UNAVAILABLE", message: "!" } : undefined;
    expect(await store.read({ name: NAME }, signal)).not.toHaveProperty("createdAt");
    it.manager.refuses = undefined;
    expect(await store.read({ name: NAME }, signal)).not.toHaveProperty("createdAt");
    now = 60_001;
    expect(await store.read({ name: NAME }, signal)).toHaveProperty("createdAt");
    await store.close?.();
  });

  test("what is asked beside the value does not hold it up", async () => {
    await using slow = await httpServer((request, response) => {
      if ((request.url ?? "").endsWith(":access")) rest(it.manager)(request, response);
    });
    const report = await it.look({ config: { endpoint: `http://127.0.0.1:${slow.port}` } });
    expectTold(report, "online");
    expect(report.stages[0]?.ms).toBeLessThan(4000);
  });
});
