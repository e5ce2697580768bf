import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/connector/clock.ts";
import { vault } from "../../src/connector/secrets/vault.ts";
import { createAuthority } from "../../src/demo/certificates.ts";
import { shellWord } from "../../src/protocol/words.ts";
import { judgeConfiguration } from "../../src/connector/config/config.ts";
import { kinds, place, settings } from "../fake/secret.ts";
import { blackHole, httpServer, refusedPort, silent, speaks } from "../fake/targets.ts";
import { expectTold } from "./row.ts";
import { sealableBao, textAt, unseal } from "./vault/bao.ts";
import { CANARY, Scene } from "./vault/scene.ts";

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open();
});
afterAll(() => scene[Symbol.asyncDispose]());

type Look = Parameters<Scene["look"]>;

/** One row: what is looked for, and what must be told. */
async function row(ref: Look[0], wish: Look[1], reason: Parameters<typeof expectTold>[1]): Promise<void> {
  const report = await scene.look(ref, wish);
  expectTold(report, reason);
  expect(scene.letter(report)).toMatchSnapshot();
}

const notFound = ["secret_unreachable", "secret", "secret_not_found"] as const;
const forbidden = ["secret_unreachable", "secret", "secret_forbidden"] as const;
const rejected = ["secret_unreachable", "secret", "store_identity_rejected"] as const;
const disabled = ["secret_unreachable", "secret", "secret_disabled"] as const;
const unreachable = ["secret_unreachable", "secret", "store_unreachable"] as const;

describe("what is read", () => {
  test("KV version 2", async () => expectTold(await scene.look({}), "online"));
  test("KV version 1", async () => expectTold(await scene.look({ mount: "old" }), "online"));
  test("a mount with a slash in its name, however it is split from the path", async () => {
    expectTold(await scene.look({ mount: "team/kv", path: "orders-db" }), "online");
    expectTold(await scene.look({ mount: "team", path: "kv/orders-db" }), "online");
  });
  test("with no more than the policy of docs/stores/vault.md", async () => {
    const page = await readFile(new URL("../../docs/stores/vault.md", import.meta.url), "utf8");
    const policy = /```hcl\n([^`]+)```/.exec(page)?.[1] ?? "";
    await scene.bao.ask("POST", "sys/policies/acl/documented", { policy });
    await scene.bao.ask("POST", "secret/metadata/prod/orders-db", {
      custom_metadata: { "mooring-connector-read": "true" },
    });
    expectTold(await scene.look({}, { auth: await scene.asToken(["documented"]), optIn: true }), "online");
    await scene.bao.ask("POST", "secret/metadata/prod/orders-db", { custom_metadata: {} });
  });
  test("in a namespace", async () => {
    const made = await scene.bao.ask(
      "POST",
      "auth/token/create",
      { policies: ["reader"] },
      { namespace: "team-a" },
    );
    const auth = { method: "token", tokenFile: await scene.file(textAt(made, "auth", "client_token")) };
    expectTold(await scene.look({ mount: "kv", path: "orders-db" }, { auth, namespace: "team-a" }), "online");
  });
  test("version, time, end and a newer version", async () => {
    await scene.bao.ask("POST", "secret/metadata/short", { delete_version_after: "1h" });
    await scene.bao.ask("POST", "secret/data/short", { data: { password: CANARY.password } });
    await scene.bao.ask("POST", "secret/data/short", { data: { password: CANARY.password } });
    const auth = vault.config.parse({ address: scene.bao.address, auth: await scene.asToken(["reader"]) });
    const store = vault.open(settings(auth), place());
    const signal = AbortSignal.timeout(5000);
    const secret = await store.read({ mount: "secret", path: "short", version: 1 }, signal);
    expect(secret).toMatchObject({ version: "1", newerVersion: "2", fields: { password: CANARY.password } });
    expect(Math.abs((secret.createdAt ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(Math.abs((secret.expiresAt ?? 0) - Date.now() - 3_600_000)).toBeLessThan(60_000);
    await store.close?.();
  });
});

describe("what is not there", () => {
  test("mount", async () => row({ mount: "nowhere" }, {}, notFound));
  test("mount, one slip away", async () => {
    const auth = await scene.asToken(["root"]);
    await row({ mount: "secrets" }, { auth }, notFound);
  });
  test("mount of another engine", async () => row({ mount: "pki" }, {}, notFound));
  test("path", async () => row({ path: "unlike/anything" }, {}, notFound));
  test("path, one slip away", async () => row({ path: "prod/order-db" }, {}, notFound));
  test("path of another environment", async () => row({ path: "production/orders-db" }, {}, notFound));
  test("path as the API has it", async () => row({ path: "data/prod/orders-db" }, {}, notFound));
  test("path that is a folder", async () => row({ path: "prod/billing" }, {}, notFound));
  test("path, and no right to list", async () => {
    await row({ path: "prod/order-db" }, { auth: await scene.asToken(["data-only"]) }, notFound);
  });
  test("path in KV version 1", async () => row({ mount: "old", path: "prod/orders-bd" }, {}, notFound));
  test("version", async () => row({ version: 9 }, {}, notFound));
  test("version in KV version 1", async () => row({ mount: "old", version: 2 }, {}, notFound));
  test("namespace", async () => row({}, { namespace: "team-b" }, notFound));
});

describe("what is there and not given", () => {
  test("a version that was deleted", async () => {
    await scene.bao.ask("POST", "secret/data/deleted", {
      data: { username: "u", password: CANARY.password },
    });
    await scene.bao.ask("DELETE", "secret/data/deleted");
    await row({ path: "deleted" }, {}, disabled);
    // The remedy is a command of the real tool: it mends.
    const { remedy } = await scene.look({ path: "deleted" });
    await scene.bao.cli(wordsOf(remedy[0]?.command));
    expectTold(await scene.look({ path: "deleted" }), "online");
  });
  test("a version that was destroyed", async () => {
    await scene.bao.ask("POST", "secret/data/destroyed", { data: { password: CANARY.password } });
    await scene.bao.ask("PUT", "secret/destroy/destroyed", { versions: [1] });
    await row({ path: "destroyed" }, {}, disabled);
  });
  test("no policy for the path", async () => row({}, { auth: await scene.asToken(["other"]) }, forbidden));
  test("no policy for anything in the mount, or no mount", async () => {
    await row({}, { auth: await scene.asToken(["as-v2"]) }, forbidden);
  });
  test("no mount that the connector may see, and one that is near", async () => {
    await row({ mount: "secrets" }, {}, forbidden);
  });
  test("a policy for KV version 1 where it is 2", async () => {
    await row({}, { auth: await scene.asToken(["as-v1"]) }, forbidden);
  });
  test("a policy for KV version 2 where it is 1", async () => {
    await row({ mount: "old" }, { auth: await scene.asToken(["as-v2"]) }, forbidden);
  });
  test("a token that may not look itself up is told from one that is not known", async () => {
    const auth = await scene.asToken(["other"], { no_default_policy: true });
    await row({}, { auth }, forbidden);
  });
  test("in a namespace: the commands are for it", async () => {
    const auth = await scene.asToken(["reader"]);
    await row({ mount: "kv", path: "orders-db" }, { auth, namespace: "team-a" }, forbidden);
  });
});

describe("the opt-in gate", () => {
  const untagged = ["secret_unreachable", "secret", "secret_not_tagged"] as const;
  test("custom metadata marks a secret; the remedy's command does", async () => {
    await scene.bao.ask("POST", "secret/data/marked", { data: { username: "u", password: CANARY.password } });
    await row({ path: "marked" }, { optIn: true }, untagged);
    const { remedy } = await scene.look({ path: "marked" }, { optIn: true });
    await scene.bao.cli(wordsOf(remedy[0]?.command));
    expectTold(await scene.look({ path: "marked" }, { optIn: true }), "online");
  });
  test("is off unless the declaration turns it on, whatever the chart's default is", async () => {
    const { tokenFile } = await scene.asToken(["reader"]);
    const declared = (name: string, more: string): string =>
      `  - {name: ${name}, type: vault, config: {address: "${scene.bao.address}", auth: {method: token, tokenFile: ${tokenFile}}${more}}}\n`;
    const item = (name: string): string =>
      `  - {name: ${name}, type: http, config: {url: "http://127.0.0.1:9"}, secret: {store: ${name}, mount: secret, path: prod/orders-db}}\n`;
    const text = `secretStores:\n${declared("a", "")}${declared("b", ", optIn: {required: true}")}integrations:\n${item("a")}${item("b")}`;
    const loaded = await judgeConfiguration("/m.yaml", text, kinds({ MOORING_REQUIRE_OPT_IN: "true" }));
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const read = (index: number) =>
      loaded.configuration.items[index]?.secret?.read(AbortSignal.timeout(5000));
    await expect(read(0)).resolves.toMatchObject({ version: "1" });
    await expect(read(1)).rejects.toMatchObject({ reason: "secret_not_tagged" });
  });
  test("the value is not asked for before", async () => {
    await using stub = await scripted({
      "GET /v1/sys/internal/ui/mounts/secret/a": [200, mountBody("2")],
      "GET /v1/secret/metadata/a": [
        200,
        { request_id: "1", data: { current_version: 1, custom_metadata: null } },
      ],
    });
    expectTold(await scene.look({ path: "a" }, { address: stub.address, optIn: true }), untagged);
    expect(stub.asked()).not.toContain("GET /v1/secret/data/a");
  });
  test("metadata that may not be read", async () => {
    await row({}, { optIn: true, auth: await scene.asToken(["data-only"]) }, forbidden);
  });
  test("a secret that is not there is told so", async () => row({ path: "none" }, { optIn: true }, notFound));
  test("KV version 1 has none", async () => row({ mount: "old" }, { optIn: true }, untagged));
});

describe("logging in by JWT", () => {
  test("is taken", async () => expectTold(await scene.look({}, { auth: await scene.asJwt() }), "online"));
  const refused: Record<string, () => ReturnType<Scene["asJwt"]>> = {
    "role unknown": () => scene.asJwt({}, "moring"),
    "auth method not there": () => scene.asJwt({}, "mooring", "jwt-prod"),
    "audience not bound": () => scene.asJwt({ aud: "https://kubernetes.default.svc" }),
    "subject not bound": () => scene.asJwt({ sub: "system:serviceaccount:infra:default" }),
    "bound claim does not match": () => scene.asJwt({ team: "search" }),
    "issuer not bound": () => scene.asJwt({ iss: "https://other.issuer.test" }),
    "key not known": () => scene.asJwt({ key: scene.otherKey }),
    expired: () => scene.asJwt({ exp: -3600 }),
    "not valid yet": () => scene.asJwt({ nbf: 3600, exp: 7200 }),
  };
  test.each(Object.entries(refused))("%s", async (_name, auth) => row({}, { auth: await auth() }, rejected));
  test("a file that holds no JWT", async () => {
    const tokenFile = await scene.file("cnry-not-a-jwt-1c9b");
    await row({}, { auth: { method: "jwt", role: "mooring", tokenFile } }, rejected);
  });
  test("a namespace that is not there", async () => {
    await row({}, { auth: await scene.asJwt(), namespace: "team-b" }, notFound);
  });
});

describe("logging in by AppRole", () => {
  const roleId = async (): Promise<string> =>
    textAt(await scene.bao.ask("GET", "auth/approle/role/mooring/role-id"), "data", "role_id");
  const secretId = async (): Promise<string> =>
    textAt(await scene.bao.ask("POST", "auth/approle/role/mooring/secret-id", {}), "data", "secret_id");
  const role = (more: object): Promise<unknown> =>
    scene.bao.ask("POST", "auth/approle/role/mooring", { token_policies: ["reader"], ...more });
  const approle = async (secret: string, id?: string) => ({
    method: "approle",
    roleId: id ?? (await roleId()),
    secretIdFile: await scene.file(secret),
  });
  test("is taken", async () => {
    await role({});
    expectTold(await scene.look({}, { auth: await approle(await secretId()) }), "online");
  });
  test("role id unknown", async () => {
    const unknown = "00000000-0000-4000-8000-000000000000";
    await row({}, { auth: await approle(await secretId(), unknown) }, rejected);
  });
  test("secret id wrong", async () => row({}, { auth: await approle("cnry-secret-id-88d1") }, rejected));
  test("a wrong secret id rests: five tries would lock the role id out for everybody", async () => {
    await scene.bao.ask("POST", "auth/approle/role/resting", { token_policies: ["reader"] });
    const at = "auth/approle/role/resting";
    const id = textAt(await scene.bao.ask("GET", `${at}/role-id`), "data", "role_id");
    const good = textAt(await scene.bao.ask("POST", `${at}/secret-id`, {}), "data", "secret_id");
    const { secretIdFile } = await approle("cnry-resting-id-5b1f", id);
    const auth = { method: "approle", roleId: id, secretIdFile };
    const opened = vault.open(settings(vault.config.parse({ address: scene.bao.address, auth })), place());
    const first = await scene.look({}, { auth, opened });
    for (let reading = 0; reading < 8; reading += 1)
      expect((await scene.look({}, { auth, opened })).cause).toBe(first.cause);
    await writeFile(secretIdFile, good);
    expectTold(await scene.look({}, { auth, opened, canaries: [good] }), "online");
    await opened.close?.();
  });
  test("a role id that is locked out", async () => {
    await scene.bao.ask("POST", "auth/approle/role/locked", { token_policies: ["reader"] });
    const id = textAt(await scene.bao.ask("GET", "auth/approle/role/locked/role-id"), "data", "role_id");
    for (let tries = 0; tries < 5; tries += 1)
      await scene.look({}, { auth: await approle("cnry-locked-out-77aa", id) });
    await row({}, { auth: await approle("cnry-locked-out-77aa", id) }, rejected);
  });
  test("secret id used up", async () => {
    await role({ secret_id_num_uses: 1 });
    const auth = await approle(await secretId());
    expectTold(await scene.look({}, { auth }), "online");
    await row({}, { auth }, rejected);
  });
  test("not from this address", async () => {
    await role({ secret_id_num_uses: 0, secret_id_bound_cidrs: ["10.0.0.0/8"] });
    const auth = await approle(await secretId());
    await row({}, { auth }, rejected);
  });
});

describe("a token in a file", () => {
  test("absent", async () => {
    const tokenFile = join(scene.directory, "0", "token");
    await row({}, { auth: { method: "token", tokenFile } }, rejected);
  });
  test("unreadable", async () => {
    const tokenFile = join(await scene.file("cnry-folder-9e07"), "..");
    await row({}, { auth: { method: "token", tokenFile } }, rejected);
  });
  test("empty", async () => {
    await row({}, { auth: { method: "token", tokenFile: await scene.file("\n") } }, rejected);
  });
  test("nothing that can be sent", async () => {
    await row(
      {},
      { auth: { method: "token", tokenFile: await scene.file("cnry two\nlines 51f0") } },
      rejected,
    );
  });
  test("never known", async () => {
    await row({}, { auth: { method: "token", tokenFile: await scene.file("s.cnryNeverKnown77") } }, rejected);
  });
  test("expired", async () => {
    const auth = await scene.asToken(["reader"], { ttl: "1s" });
    await systemClock.sleep(1500, new AbortController().signal);
    await row({}, { auth }, rejected);
  });
  test("is read at each use: a new one counts at once", async () => {
    const tokenFile = await scene.file("s.cnryOldOne31");
    const auth = { method: "token", tokenFile };
    const opened = open(auth);
    expectTold(await scene.look({}, { auth, opened }), rejected);
    const { tokenFile: good = "" } = await scene.asToken(["reader"]);
    await writeFile(tokenFile, await readFile(good));
    expectTold(await scene.look({}, { auth, opened }), "online");
    await opened.close?.();
  });
});

describe("the token of a login", () => {
  test("is asked for once by many, and anew once it is refused", async () => {
    let logins = 0;
    let known = "token-1";
    await using stub = await httpServer((request, response) => {
      const [status, body] = ((): [number, unknown] => {
        if (request.url === "/v1/auth/jwt/login") {
          logins += 1;
          return [200, { request_id: "1", auth: { client_token: known, lease_duration: 3600 } }];
        }
        if (request.headers["x-vault-token"] !== known) return [403, { errors: ["permission denied"] }];
        if (request.url?.includes("/internal/ui/") === true) return [200, mountBody("1")];
        return [200, { request_id: "1", data: { username: "u", password: CANARY.password } }];
      })();
      response.writeHead(status).end(JSON.stringify(body));
    });
    const auth = await scene.asJwt();
    const address = `http://127.0.0.1:${stub.port}`;
    const opened = open(auth, address);
    const wish = { auth, address, opened };
    const many = await Promise.all([1, 2, 3, 4, 5].map((n) => scene.look({ path: `a${n}` }, wish)));
    for (const report of many) expectTold(report, "online");
    expect(logins).toBe(1);
    known = "token-2";
    expectTold(await scene.look({ path: "a1" }, wish), "online");
    expect(logins).toBe(2);
    await opened.close?.();
  });
  test("given and not taken", async () => {
    await using stub = await httpServer((request, response) => {
      const login = request.url === "/v1/auth/jwt/login";
      const body = login
        ? { request_id: "1", auth: { client_token: "cnry-given-0d3e", lease_duration: 60 } }
        : { errors: ["permission denied"] };
      response.writeHead(login ? 200 : 403).end(JSON.stringify(body));
    });
    const address = `http://127.0.0.1:${stub.port}`;
    await row({}, { auth: await scene.asJwt(), address, canaries: ["cnry-given-0d3e"] }, rejected);
  });
});

describe("the store itself", () => {
  const sealed = ["secret_unreachable", "secret", "store_sealed"] as const;
  test("not initialised, sealed, then with TLS", { timeout: 120_000 }, async () => {
    const authority = await createAuthority("mooring vault test");
    const certificate = await authority.issue({ names: ["127.0.0.1"] });
    await using bao = await sealableBao(certificate);
    const look = { address: bao.address };
    await row({}, look, sealed);
    const absent = { method: "token", tokenFile: join(scene.directory, "0", "token") };
    expectTold(await scene.look({}, { ...look, auth: absent }), sealed);
    const key = await unseal(bao);
    await bao.ask("POST", "sys/mounts/secret", { type: "kv", options: { version: "2" } });
    const data = { username: "orders", password: CANARY.password };
    await bao.ask("POST", "secret/data/prod/orders-db", { data });
    const auth = { method: "token", tokenFile: await scene.file(bao.root) };
    expectTold(await scene.look({}, { ...look, auth }), "online");
    await bao.ask("PUT", "sys/seal");
    await row({}, { ...look, auth }, sealed);
    await unseal(bao, key);
    await row({}, { address: bao.tlsAddress, auth }, unreachable);
    const ca = join(scene.directory, "ca.pem");
    await writeFile(ca, authority.certPem);
    expectTold(await scene.look({}, { address: bao.tlsAddress, auth, ca }), "online");
  });
  test("standby without an active node, as the answer and as a redirect", async () => {
    const health = { initialized: true, sealed: false, standby: true };
    for (const other of [
      [503, { errors: ["Vault is in standby mode"] }],
      [307, {}],
    ] as const) {
      await using stub = await scripted({ "GET /v1/sys/health": [429, health] }, other);
      await row({}, { address: stub.address }, sealed);
    }
  });
  test("throttled by a quota, and for how long", async () => {
    await scene.bao.ask("POST", "sys/quotas/config", { enable_rate_limit_response_headers: true });
    await scene.bao.ask("POST", "sys/quotas/rate-limit/few", { path: "team/kv/", rate: 1, interval: "1m" });
    const wish = { auth: await scene.asToken(["reader"]) };
    const ref = { mount: "team/kv", path: "orders-db" };
    await scene.look(ref, wish);
    const report = await scene.look(ref, wish);
    await scene.bao.ask("DELETE", "sys/quotas/rate-limit/few");
    expectTold(report, ["secret_unreachable", "secret", "store_rate_limited"]);
    expect(report.cause).toMatch(/waits \d+ s\./);
  });
  test("throttled by a proxy in front of it, with Retry-After", async () => {
    await using stub = await scripted({}, [429, { errors: [] }, { "retry-after": "17" }]);
    await row({}, { address: stub.address }, ["secret_unreachable", "secret", "store_rate_limited"]);
  });
  test("a server's own failure", async () => {
    await using stub = await scripted({}, [500, { errors: ["1 error occurred: storage is away"] }]);
    await row({}, { address: stub.address }, unreachable);
  });
  test("a mount that is being made KV version 2", async () => {
    const words =
      "Upgrading from non-versioned to versioned data. This backend will be unavailable for a brief period.";
    await using stub = await scripted(
      { "GET /v1/sys/internal/ui/mounts/secret/prod/orders-db": [200, mountBody("2")] },
      [400, { errors: [words] }],
    );
    await row({}, { address: stub.address }, unreachable);
  });
  test("another server than Vault", async () => {
    await using stub = await scripted({}, [404, "<html>nginx</html>"]);
    await row({}, { address: stub.address }, unreachable);
  });
  test("a server that sends on", async () => {
    const location = { location: "https://vault.example.org/v1/x" };
    await using stub = await scripted({ "GET /v1/sys/health": [301, "", location] }, [301, "", location]);
    await row({}, { address: stub.address }, unreachable);
  });
  test("refused", async () => {
    await using target = await refusedPort();
    const address = `http://127.0.0.1:${target.port}`;
    await row({}, { address }, unreachable);
    const absent = { method: "token", tokenFile: join(scene.directory, "0", "token") };
    expectTold(await scene.look({}, { address, auth: absent }), unreachable);
  });
  test("a name that nobody knows", async () => {
    const report = await scene.look({}, { address: "https://vault.infra.invalid:8200" });
    expectTold(report, unreachable);
    expect(report.cause).toContain("vault.infra.invalid");
  });
  test("not HTTP", async () => {
    await using target = await speaks("SSH-2.0-OpenSSH_9.6\r\n", { when: "connect" });
    await row({}, { address: `http://127.0.0.1:${target.port}` }, unreachable);
  });
  const slow = ["secret_unreachable", "secret", "store_timeout"] as const;
  test("silent", async () => {
    await using target = await silent();
    await row({}, { address: `http://127.0.0.1:${target.port}`, timeoutMs: 500 }, slow);
  });
  test("a black hole", async () => {
    await using target = await blackHole();
    await row({}, { address: `http://127.0.0.1:${target.port}`, timeoutMs: 500 }, slow);
  });
});

/** The words of a command for the real tool, which is called bao here. */
function wordsOf(command: string | null | undefined): string[] {
  const words = (command ?? "").split(" ");
  expect(words[0]).toBe("vault");
  for (const word of words) expect(shellWord(word)).toBe(word);
  return words.slice(1);
}

function open(auth: object, address = scene.bao.address) {
  return vault.open(settings(vault.config.parse({ address, auth })), place());
}

function mountBody(version: string): unknown {
  return { request_id: "1", data: { path: "secret/", type: "kv", options: { version } } };
}

type Scripted = readonly [status: number, body: unknown, headers?: Record<string, string>];

/** A server that gives each request its answer, and to all others the same. */
async function scripted(answers: Record<string, Scripted>, other: Scripted = [500, { errors: [] }]) {
  const asked: string[] = [];
  const target = await httpServer((request, response) => {
    const line = `${request.method} ${request.url}`;
    asked.push(line);
    const [status, body, headers = {}] = answers[line] ?? other;
    response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body));
  });
  return Object.assign(target, { address: `http://127.0.0.1:${target.port}`, asked: () => asked });
}
