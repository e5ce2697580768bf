// Secrets of a real kube-apiserver with real RBAC. What no real one can be made to do is in kubernetes/wire.test.ts.
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { importPKCS8, SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { KubernetesApi } from "../../src/connector/kubernetes/api.ts";
import { namesOnly } from "../../src/connector/kubernetes/resource.ts";
import { kubernetes } from "../../src/connector/secrets/kubernetes.ts";
import { SECRETS } from "../../src/connector/secrets/kubernetes/shape.ts";
import type { Report } from "../../src/protocol/report.ts";
import { type Api, canRunApi, startApi } from "../cluster/api.ts";
import { toolPaths } from "../cluster/binaries.ts";
import { run } from "../cluster/processes.ts";
import { place, settings } from "../fake/secret.ts";
import { type Pod, pod } from "./kubernetes/pod.ts";
import { expectTold, letterOf, lookFor, type Told, type Wish } from "./row.ts";

const why = canRunApi();
if (why !== undefined) console.warn(`skipped: secrets of a real kube-apiserver: ${why}`);

const unreachable = (reason: string): Told => ["secret_unreachable", "secret", reason] as Told;
const invalid = (reason: string): Told => ["secret_invalid", "secret", reason] as Told;

/** Every value, so that whatever is told can be held against all of them. */
const VALUES = {
  username: `user-${randomUUID()}`,
  password: `pass-${randomUUID()}`,
  other: `other-${randomUUID()}`,
};

describe.skipIf(why !== undefined)("a real API server", () => {
  let api: Api;
  let ca: string;

  beforeAll(async () => {
    api = await startApi();
    ca = readFileSync(api.caFile, "utf8");
    await apply(
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "data" } },
      { apiVersion: "v1", kind: "Namespace", metadata: { name: "mooring" } },
    );
    const login = { username: VALUES.username, password: VALUES.password };
    await apply(
      secret("data", "orders-db", login),
      secret("mooring", "own", login),
      secret("data", "labelled", login, { "mooring-connector-read": "true" }),
      secret("data", "alias", login, { "apono-connector-read": "true" }),
      secret("data", "label-of-another-value", login, { "mooring-connector-read": "yes" }),
      secret("data", "without-password", { username: VALUES.username }),
      secret("data", "other-names", { user: VALUES.username, password: VALUES.password }),
      secret("data", "empty-password", { username: VALUES.username, password: " " }),
      secret("data", "keyless", {}),
      secret("data", "binary", login, {}, { keystore: "/u3+7Q==" }),
    );
  });
  afterAll(() => api?.stop());

  const apply = (...items: readonly unknown[]): Promise<string> =>
    api.kubectl(["apply", "--server-side", "-f", "-"], {
      stdin: JSON.stringify({ apiVersion: "v1", kind: "List", items }),
    });

  function secret(
    namespace: string,
    name: string,
    stringData: Readonly<Record<string, string>>,
    labels: Readonly<Record<string, string>> = {},
    data: Readonly<Record<string, string>> = {},
  ): unknown {
    return { apiVersion: "v1", kind: "Secret", metadata: { namespace, name, labels }, stringData, data };
  }

  type Rule = {
    readonly resources: string[];
    readonly verbs: string[];
    readonly resourceNames?: string[];
    readonly apiGroups?: string[];
  };

  /** An account of the namespace mooring with these rights: in `data`, or everywhere. */
  async function account(name: string, rules: readonly Rule[], everywhere = false): Promise<void> {
    const of = everywhere ? "ClusterRole" : "Role";
    const place = everywhere ? {} : { namespace: "data" };
    const group = "rbac.authorization.k8s.io";
    await apply(
      { apiVersion: "v1", kind: "ServiceAccount", metadata: { namespace: "mooring", name } },
      {
        apiVersion: `${group}/v1`,
        kind: of,
        metadata: { name, ...place },
        rules: rules.map((rule) => ({ apiGroups: [""], ...rule })),
      },
      {
        apiVersion: `${group}/v1`,
        kind: `${of}Binding`,
        metadata: { name, ...place },
        roleRef: { apiGroup: group, kind: of, name },
        subjects: [{ kind: "ServiceAccount", namespace: "mooring", name }],
      },
    );
  }

  const podOf = async (name: string): Promise<Pod> =>
    await pod({ url: api.url, ca, token: await api.serviceAccountToken("mooring", name) });

  /** Looks for a secret as an account of the namespace mooring. */
  async function lookAs(
    as: string,
    ref: unknown,
    wish: Partial<Wish<unknown, unknown>> = {},
  ): Promise<Report> {
    await using here = await podOf(as);
    return await lookIn(here, ref, wish);
  }

  async function lookIn(
    here: Pod,
    ref: unknown,
    wish: Partial<Wish<unknown, unknown>> = {},
  ): Promise<Report> {
    const token = readFileSync(join(here.directory, "token"), "utf8");
    const canaries = [...Object.values(VALUES), token, token.split(".")[2] ?? token];
    return await lookFor({ type: kubernetes, ref, place: place(here.environment), canaries, ...wish });
  }

  const reads = (...resourceNames: string[]): Rule[] => [
    { resources: ["secrets"], verbs: ["get"], resourceNames },
  ];

  /** Runs the commands of a letter as the administrator, as somebody would who pastes them. */
  async function paste(report: Report, cwd = api.directory): Promise<string[]> {
    const printed: string[] = [];
    const kubeconfig = await api.kubeconfig();
    const PATH = `${dirname(toolPaths().kubectl)}:${process.env["PATH"] ?? ""}`;
    for (const { command } of report.remedy) {
      if (command === null) continue;
      printed.push(
        await run(["bash", "-c", command], {
          cwd,
          env: { KUBECONFIG: kubeconfig, PATH, HOME: api.directory },
        }),
      );
    }
    return printed;
  }

  test("a Secret that may be read", async () => {
    await account("reader", reads("orders-db"));
    expectTold(await lookAs("reader", { name: "orders-db", namespace: "data" }), "online");
  });

  test("without a namespace the connector's own is meant", async () => {
    await account("own", [], false);
    const role = { apiGroups: [""], resources: ["secrets"], verbs: ["get"], resourceNames: ["own"] };
    const group = "rbac.authorization.k8s.io";
    const metadata = { namespace: "mooring", name: "own" };
    await apply(
      { apiVersion: `${group}/v1`, kind: "Role", metadata, rules: [role] },
      {
        apiVersion: `${group}/v1`,
        kind: "RoleBinding",
        metadata,
        roleRef: { apiGroup: group, kind: "Role", name: "own" },
        subjects: [{ kind: "ServiceAccount", namespace: "mooring", name: "own" }],
      },
    );
    const report = await lookAs("own", { name: "own" });
    expectTold(report, "online");
    await using here = await podOf("own");
    expect(kubernetes.name({ name: "own" }, place(here.environment))).toBe("mooring/own");
  });

  describe("not there", () => {
    test("and the connector may see neither names nor namespaces", async () => {
      await account("one-name", reads("no-such-secret"));
      const report = await lookAs("one-name", { name: "no-such-secret", namespace: "data" });
      expectTold(report, unreachable("secret_not_found"));
      expect(letterOf(report)).toMatchSnapshot();
    });

    test("the namespace is", async () => {
      await account("namespace-seer", [
        ...reads("no-such-secret"),
        { resources: ["namespaces"], verbs: ["get"] },
      ]);
      const report = await lookAs("namespace-seer", { name: "no-such-secret", namespace: "data" });
      expectTold(report, unreachable("secret_not_found"));
      expect(letterOf(report)).toMatchSnapshot();
    });

    test("a name that is near is", async () => {
      await account("lister", [{ resources: ["secrets"], verbs: ["get", "list"] }]);
      const report = await lookAs("lister", { name: "order-db", namespace: "data" });
      expectTold(report, unreachable("secret_not_found"));
      expect(letterOf(report)).toMatchSnapshot();
      expect((await paste(report)).join("")).toContain("orders-db");
    });

    test("one of that name is in another namespace", async () => {
      await account("lister-everywhere", [{ resources: ["secrets"], verbs: ["get", "list"] }], true);
      const report = await lookAs("lister-everywhere", { name: "orders-db" });
      expectTold(report, unreachable("secret_not_found"));
      expect(letterOf(report)).toMatchSnapshot();
      expect((await paste(report)).join("")).toContain("data");
    });

    test("nor is its namespace, and one that is near is", async () => {
      const sees = [
        { resources: ["namespaces"], verbs: ["get", "list"] },
        { resources: ["secrets"], verbs: ["get"] },
      ];
      await account("sees-namespaces", sees, true);
      const report = await lookAs("sees-namespaces", { name: "orders-db", namespace: "dta" });
      expectTold(report, unreachable("secret_not_found"));
      expect(letterOf(report)).toMatchSnapshot();
    });

    test("nor is its namespace, and with it its Roles", async () => {
      await account("sees-namespaces-only", [{ resources: ["namespaces"], verbs: ["get"] }], true);
      const report = await lookAs("sees-namespaces-only", { name: "orders-db", namespace: "long-gone" });
      expectTold(report, unreachable("secret_not_found"));
      expect(letterOf(report)).toMatchSnapshot();
      await paste(report);
    });

    test("names are asked for without their values", async () => {
      await account("lister-of-values", [{ resources: ["secrets"], verbs: ["get", "list"] }]);
      await using here = await podOf("lister-of-values");
      const client = new KubernetesApi(place(here.environment));
      const asked = { ...namesOnly(SECRETS), shape: z.looseObject({}) };
      const { signal } = new AbortController();
      const pages = await Array.fromAsync(client.list(asked, { namespace: "data" }, { signal }));
      await client.close();
      expect(JSON.stringify(pages)).toContain("orders-db");
      expect(JSON.stringify(pages)).not.toContain(Buffer.from(VALUES.password).toString("base64"));
      expect(pages.flatMap(({ items }) => items.flatMap(Object.keys))).not.toContain("data");
    });
  });

  describe("no right", () => {
    test("no Role; the commands that are printed give it", async () => {
      await account("nobody", []);
      const ref = { name: "orders-db", namespace: "data" };
      await using here = await podOf("nobody");
      const before = await lookIn(here, ref);
      expectTold(before, unreachable("secret_forbidden"));
      expect(letterOf(before)).toMatchSnapshot();
      expect((await paste(before)).at(-1)).toBe("yes\n");
      expectTold(await lookIn(here, ref), "online");
    });

    test("in a Helm release the values are named", async () => {
      await account("nobody-by-helm", []);
      await using here = await podOf("nobody-by-helm");
      Object.assign(here.environment, {
        MOORING_INSTALL_KIND: "helm",
        MOORING_INSTALL_RELEASE: "mooring",
        MOORING_INSTALL_NAMESPACE: "mooring",
        MOORING_INSTALL_NAME: "mooring-connector",
      });
      const report = await lookIn(here, { name: "orders-db", namespace: "data" });
      expectTold(report, unreachable("secret_forbidden"));
      expect(letterOf(report)).toMatchSnapshot();
    });

    test("the Role that is bound does not exist", async () => {
      await account("dangling", reads("orders-db"));
      await api.kubectl(["-n", "data", "delete", "role", "dangling"]);
      const report = await lookAs("dangling", { name: "orders-db", namespace: "data" });
      expectTold(report, unreachable("secret_forbidden"));
      expect(letterOf(report)).toMatchSnapshot();
    });

    test("a Role for another name", async () => {
      await account("other-name", reads("payments-db"));
      const report = await lookAs("other-name", { name: "orders-db", namespace: "data" });
      expectTold(report, unreachable("secret_forbidden"));
    });
  });

  describe("the label", () => {
    const ref = (name: string): unknown => ({ name, namespace: "data" });

    test.each(["labelled", "alias"])("%s has it", async (name) => {
      await account("gated", [{ resources: ["secrets"], verbs: ["get"] }]);
      expectTold(await lookAs("gated", ref(name), { optIn: true }), "online");
    });

    test("is missing; the command that is printed sets it", async () => {
      await apply(secret("data", "unlabelled", { username: VALUES.username, password: VALUES.password }));
      const report = await lookAs("gated", ref("unlabelled"), { optIn: true });
      expectTold(report, unreachable("secret_not_tagged"));
      expect(letterOf(report)).toMatchSnapshot();
      await paste(report);
      expectTold(await lookAs("gated", ref("unlabelled"), { optIn: true }), "online");
    });

    test("has another value", async () => {
      const report = await lookAs("gated", ref("label-of-another-value"), { optIn: true });
      expectTold(report, unreachable("secret_not_tagged"));
      expect(letterOf(report)).toMatchSnapshot();
    });

    test("is not asked for where it is not required", async () => {
      expectTold(await lookAs("gated", ref("orders-db"), { optIn: false }), "online");
    });
  });

  describe("content", () => {
    beforeAll(() => account("all-of-data", [{ resources: ["secrets"], verbs: ["get"] }]));
    const rows: readonly (readonly [name: string, reason: string])[] = [
      ["without-password", "secret_field_missing"],
      ["other-names", "secret_field_missing"],
      ["keyless", "secret_field_missing"],
      ["empty-password", "secret_field_empty"],
    ];
    test.each(rows)("%s: %s", async (name, reason) => {
      const report = await lookAs("all-of-data", { name, namespace: "data" });
      expectTold(report, invalid(reason));
      expect(letterOf(report)).toMatchSnapshot();
      await paste({
        ...report,
        remedy: report.remedy.filter(({ command }) => command?.includes(" edit ") !== true),
      });
    });

    test("other names are mapped", async () => {
      const wish = { mapping: { username: "user" } };
      expectTold(await lookAs("all-of-data", { name: "other-names", namespace: "data" }, wish), "online");
    });

    test("a key that is no text does no harm where nobody asks for it", async () => {
      expectTold(await lookAs("all-of-data", { name: "binary", namespace: "data" }), "online");
    });

    test("a key that is no text, and is asked for", async () => {
      const wish = { mapping: { password: "keystore" } };
      const report = await lookAs("all-of-data", { name: "binary", namespace: "data" }, wish);
      expectTold(report, invalid("secret_unparsable"));
      expect(letterOf(report)).toMatchSnapshot();
    });

    test("a Secret that was deleted and is held by a finalizer still works, with a gap", async () => {
      const metadata = { namespace: "data", name: "going", finalizers: ["mooring.test/hold"] };
      const stringData = { username: VALUES.username, password: VALUES.password };
      await apply({ apiVersion: "v1", kind: "Secret", metadata, stringData });
      await api.kubectl(["-n", "data", "delete", "secret", "going", "--wait=false"]);
      const report = await lookAs("all-of-data", { name: "going", namespace: "data" });
      expect([report.state, report.condition, report.stage, report.reason]).toEqual([
        "warning",
        null,
        "secret",
        "secret_expiring",
      ]);
      expect(letterOf(report).replaceAll(/\d{4}-\S+Z/g, "TIME")).toMatchSnapshot();
      expect((await paste(report)).join("")).toContain("mooring.test/hold");
    });

    test("a label is no new version, new data are", async () => {
      const values = { username: VALUES.username, password: VALUES.password };
      await apply(secret("data", "rotating", values));
      await using here = await podOf("all-of-data");
      const where = place(here.environment);
      const store = kubernetes.open(settings({}), where);
      const { signal } = new AbortController();
      const read = () => store.read({ name: "rotating", namespace: "data" }, signal);
      const first = await read();
      await api.kubectl(["-n", "data", "label", "secret", "rotating", "touched=yes"]);
      const labelled = await read();
      expect(labelled).toEqual(first);
      await apply(secret("data", "rotating", { ...values, password: VALUES.other }));
      const rotated = await read();
      expect(rotated.version).not.toBe(first.version);
      expect(rotated.fields?.["password"]).toBe(VALUES.other);
      expect(rotated.createdAt).toBeGreaterThanOrEqual(first.createdAt ?? Number.NaN);
      await store.close?.();
    });
  });

  describe("the token", () => {
    const ref = { name: "orders-db", namespace: "data" };
    beforeAll(() => account("holder", reads("orders-db")));

    /** As the API server would sign it, or with another key. */
    async function signed(
      claims: { readonly exp?: number; readonly nbf?: number },
      own = true,
    ): Promise<string> {
      const pem = own
        ? readFileSync(join(api.directory, "accounts.key"), "utf8")
        : generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({
            type: "pkcs8",
            format: "pem",
          });
      const now = Math.floor(Date.now() / 1000);
      const { metadata } = JSON.parse(
        await api.kubectl(["-n", "mooring", "get", "serviceaccount", "holder", "-o", "json"]),
      ) as { metadata: { uid: string } };
      const payload = {
        iss: "https://kubernetes.default.svc",
        sub: "system:serviceaccount:mooring:holder",
        aud: ["https://kubernetes.default.svc"],
        "kubernetes.io": { namespace: "mooring", serviceaccount: { name: "holder", uid: metadata.uid } },
        iat: now - 7200,
        nbf: claims.nbf ?? now - 7200,
        exp: claims.exp ?? now + 3600,
      };
      return await new SignJWT(payload)
        .setProtectedHeader({ alg: "RS256" })
        .sign(await importPKCS8(String(pem), "RS256"));
    }

    async function lookWith(token: string, more: Record<string, string> = {}): Promise<Report> {
      await using here = await pod({ url: api.url, ca, token });
      Object.assign(here.environment, more);
      return await lookIn(here, ref);
    }
    const letter = (report: Report): string => letterOf(report).replaceAll(/\d{4}-\d\d-\S+Z/g, "TIME");

    test("that we sign like the API server is one", async () => {
      expectTold(await lookWith(await signed({})), "online");
    });

    test("has ended", async () => {
      const token = await signed({ exp: Math.floor(Date.now() / 1000) - 600 });
      const report = await lookWith(token);
      expectTold(report, unreachable("store_identity_rejected"));
      expect(letter(report)).toMatchSnapshot();
      const install = { MOORING_INSTALL_NAMESPACE: "mooring", MOORING_INSTALL_NAME: "mooring-connector" };
      expect(letter(await lookWith(token, install))).toMatchSnapshot();
    });

    test("does not hold yet", async () => {
      const report = await lookWith(await signed({ nbf: Math.floor(Date.now() / 1000) + 1800 }));
      expectTold(report, unreachable("store_identity_rejected"));
      expect(letter(report)).toMatchSnapshot();
    });

    test("is for another audience", async () => {
      const report = await lookWith(
        await api.serviceAccountToken("mooring", "holder", { audience: "vault" }),
      );
      expectTold(report, unreachable("store_identity_rejected"));
      expect(letter(report)).toMatchSnapshot();
      await paste(report);
    });

    test("is of another cluster", async () => {
      const report = await lookWith(await signed({}, false));
      expectTold(report, unreachable("store_identity_rejected"));
      expect(letter(report)).toMatchSnapshot();
    });

    test("is of an account that was deleted", async () => {
      await account("leaver", reads("orders-db"));
      const token = await api.serviceAccountToken("mooring", "leaver");
      await api.kubectl(["-n", "mooring", "delete", "serviceaccount", "leaver"]);
      const report = await lookWith(token);
      expectTold(report, unreachable("store_identity_rejected"));
      expect(letter(report)).toMatchSnapshot();
    });

    test("is no JWT at all", async () => {
      const report = await lookWith(randomUUID());
      expectTold(report, unreachable("store_identity_rejected"));
      expect(letter(report)).toMatchSnapshot();
    });

    test("that was renewed on disk is used the next time", async () => {
      await using here = await pod({
        url: api.url,
        ca,
        token: await signed({ exp: Math.floor(Date.now() / 1000) - 600 }),
      });
      const where = place(here.environment);
      const opened = kubernetes.open(settings({}), where);
      const look = () => lookIn(here, ref, { opened });
      expectTold(await look(), unreachable("store_identity_rejected"));
      await here.renew("token", await api.serviceAccountToken("mooring", "holder"));
      expectTold(await look(), "online");
      await opened.close?.();
    });
  });

  describe("outside of a Pod", () => {
    test("a kubeconfig with a token; the namespace is its context's", async () => {
      await account("reader", reads("orders-db"));
      const token = await api.serviceAccountToken("mooring", "reader");
      const KUBECONFIG = await api.kubeconfig({ token, namespace: "data" });
      const where = place({ KUBECONFIG, MOORING_SERVICE_ACCOUNT_DIR: "/nowhere" });
      const canaries = [...Object.values(VALUES), token];
      expect(kubernetes.name({ name: "orders-db" }, where)).toBe("data/orders-db");
      expectTold(
        await lookFor({ type: kubernetes, ref: { name: "orders-db" }, place: where, canaries }),
        "online",
      );
    });

    test("a kubeconfig that runs a program; the commands make one that does not", async () => {
      const directory = join(api.directory, "exec");
      await mkdir(directory);
      const plugin = join(directory, "plugin");
      const credential = {
        apiVersion: "client.authentication.k8s.io/v1",
        kind: "ExecCredential",
        status: { token: api.adminToken },
      };
      await writeFile(plugin, `#!/bin/sh\ntouch ${directory}/ran\necho '${JSON.stringify(credential)}'\n`, {
        mode: 0o755,
      });
      const exec = { apiVersion: credential.apiVersion, command: plugin, interactiveMode: "Never" };
      const config = JSON.parse(readFileSync(await api.kubeconfig(), "utf8")) as {
        users: [{ user: unknown }];
      };
      config.users[0].user = { exec };
      const KUBECONFIG = join(directory, "config");
      await writeFile(KUBECONFIG, JSON.stringify(config));
      const lookBy = (file: string) =>
        lookFor({
          type: kubernetes,
          ref: { name: "orders-db", namespace: "data" },
          place: place({ KUBECONFIG: file, MOORING_SERVICE_ACCOUNT_DIR: "/nowhere" }),
          canaries: [...Object.values(VALUES), api.adminToken],
        });
      const report = await lookBy(KUBECONFIG);
      expectTold(report, unreachable("store_identity_rejected"));
      expect(letterOf(report).replaceAll(api.directory, "/DIR")).toMatchSnapshot();
      expect(existsSync(join(directory, "ran"))).toBe(false);
      await paste(report, directory);
      const after = await lookBy(join(directory, "mooring.kubeconfig"));
      expectTold(after, unreachable("secret_forbidden"));
      expect(after.cause).toContain("ServiceAccount default/mooring");
    });

    test("a user that is no ServiceAccount is named by the API server, and the commands bind a Role to it", async () => {
      const token =
        readFileSync(join(api.directory, "tokens.csv"), "utf8")
          .split("\n")
          .find((line) => line.includes(",system:kube-proxy,"))
          ?.split(",")[0] ?? "";
      const KUBECONFIG = await api.kubeconfig({ token, namespace: "data" });
      const where = place({ KUBECONFIG, MOORING_SERVICE_ACCOUNT_DIR: "/nowhere" });
      const canaries = [...Object.values(VALUES), token];
      const wish = { type: kubernetes, ref: { name: "labelled" }, place: where, canaries };
      const report = await lookFor(wish);
      expectTold(report, unreachable("secret_forbidden"));
      expect(letterOf(report)).toMatchSnapshot();
      expect((await paste(report)).at(-1)).toBe("yes\n");
      expectTold(await lookFor(wish), "online");
    });
  });
});
