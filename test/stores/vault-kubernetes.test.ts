import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Api, canRunApi, startApi } from "../cluster/api.ts";
import { expectTold } from "./row.ts";
import { Scene } from "./vault/scene.ts";

const why = canRunApi();
if (why !== undefined) console.warn(`skipped, Vault's Kubernetes login against a real cluster: ${why}`);

const rejected = ["secret_unreachable", "secret", "store_identity_rejected"] as const;

// Vault asks the cluster's own TokenReview whether a token is good.
describe.skipIf(why !== undefined)("logging in by Kubernetes, judged by a real kube-apiserver", () => {
  let api: Api;
  let scene: Scene;

  beforeAll(async () => {
    [api, scene] = await Promise.all([startApi({ controllerManager: false }), Scene.open()]);
    for (const namespace of ["infra", "other"]) {
      await api.call("POST", "/api/v1/namespaces", { body: { metadata: { name: namespace } } });
      for (const name of ["mooring", "reviewer"])
        await api.call("POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, {
          body: { metadata: { name } },
        });
    }
    const roleRef = {
      apiGroup: "rbac.authorization.k8s.io",
      kind: "ClusterRole",
      name: "system:auth-delegator",
    };
    const subjects = [{ kind: "ServiceAccount", name: "reviewer", namespace: "infra" }];
    const binding = { metadata: { name: "vault-reviewer" }, roleRef, subjects };
    await api.call("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", { body: binding });
    await scene.bao.ask("POST", "sys/auth/kubernetes", { type: "kubernetes" });
    await configure("infra");
    const role = {
      bound_service_account_names: ["mooring", "gone"],
      bound_service_account_namespaces: ["infra"],
      token_policies: ["reader"],
      audience: "https://kubernetes.default.svc",
    };
    await scene.bao.ask("POST", "auth/kubernetes/role/mooring", role);
    await scene.bao.ask("POST", "auth/kubernetes/role/narrow", { ...role, audience: "vault" });
  }, 120_000);

  afterAll(async () => {
    await Promise.all([api.stop(), scene[Symbol.asyncDispose]()]);
  });

  /** Whose right to review tokens Vault uses. */
  async function configure(reviewer: "infra" | "other", more: object = {}): Promise<void> {
    await scene.bao.ask("POST", "auth/kubernetes/config", {
      kubernetes_host: api.url,
      kubernetes_ca_cert: await readFile(api.caFile, "utf8"),
      token_reviewer_jwt: await api.serviceAccountToken(reviewer, "reviewer"),
      disable_local_ca_jwt: true,
      ...more,
    });
  }

  async function as(token: string, role = "mooring", mount = "kubernetes"): Promise<Record<string, string>> {
    return { method: "kubernetes", role, mount, tokenFile: await scene.file(token) };
  }

  async function row(auth: Record<string, string>): Promise<void> {
    const report = await scene.look({}, { auth });
    expectTold(report, rejected);
    expect(scene.letter(report)).toMatchSnapshot();
  }

  const ours = (): Promise<string> => api.serviceAccountToken("infra", "mooring");

  test("is taken", async () => expectTold(await scene.look({}, { auth: await as(await ours()) }), "online"));
  test("role unknown", async () => row(await as(await ours(), "moring")));
  test("no auth method there", async () => row(await as(await ours(), "mooring", "k8s-prod")));
  test("ServiceAccount not bound", async () =>
    row(await as(await api.serviceAccountToken("infra", "reviewer"))));
  test("namespace not bound", async () => row(await as(await api.serviceAccountToken("other", "mooring"))));
  test("audience not that of the role", async () => row(await as(await ours(), "narrow")));
  test("a token that the cluster did not sign", async () => {
    const [head = "", claims = ""] = (await ours()).split(".");
    const foreign = (await scene.jwt()).split(".")[2] ?? "";
    await row(await as(`${head}.${claims}.${foreign}`));
  });
  test("a ServiceAccount that was deleted", async () => {
    await api.call("POST", "/api/v1/namespaces/infra/serviceaccounts", {
      body: { metadata: { name: "gone" } },
    });
    const token = await api.serviceAccountToken("infra", "gone");
    await api.call("DELETE", "/api/v1/namespaces/infra/serviceaccounts/gone");
    await row(await as(token));
  });
  test("Vault may not review tokens", async () => {
    await configure("other");
    await row(await as(await ours()));
    await configure("infra");
  });
  test("Vault cannot reach the cluster", async () => {
    await configure("infra", { kubernetes_host: "https://127.0.0.1:9" });
    await row(await as(await ours()));
    await configure("infra");
  });
});
