import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Api, canRunApi, startApi } from "./api.ts";

const why = canRunApi();

describe.skipIf(why !== undefined)(
  `a real API server${why === undefined ? "" : ` (skipped: ${why})`}`,
  () => {
    let api: Api;
    beforeAll(async () => {
      api = await startApi();
    });
    afterAll(() => api.stop());

    const secret = "/api/v1/namespaces/default/secrets/orders-db";

    test("refuses a ServiceAccount until a Role lets it", async () => {
      await api.kubectl(["create", "secret", "generic", "orders-db", "--from-literal=password=p"]);
      await api.kubectl(["create", "serviceaccount", "reader"]);
      const token = await api.serviceAccountToken("default", "reader");
      const refused = await api.call("GET", secret, { token });
      expect(refused).toMatchObject({ status: 403, body: { reason: "Forbidden" } });

      const kubeconfig = await api.kubeconfig({ token });
      await expect(api.kubectl(["get", "secret", "orders-db"], { kubeconfig })).rejects.toThrow(
        'User "system:serviceaccount:default:reader" cannot get resource "secrets"',
      );

      await api.kubectl([
        "create",
        "role",
        "reader",
        "--verb=get",
        "--resource=secrets",
        "--resource-name=orders-db",
      ]);
      await api.kubectl([
        "create",
        "rolebinding",
        "reader",
        "--role=reader",
        "--serviceaccount=default:reader",
      ]);
      expect(await api.call("GET", secret, { token })).toMatchObject({
        status: 200,
        body: { data: { password: "cA==" } },
      });
      expect((await api.call("GET", "/api/v1/namespaces/default/secrets", { token })).status).toBe(403);
    });

    test("takes no anonymous request and no other token", async () => {
      expect((await api.call("GET", "/api", { token: "" })).status).toBe(401);
      expect((await api.call("GET", "/api", { token: "nobody" })).status).toBe(401);
    });

    test("reviews a token for its audience alone", async () => {
      const token = await api.serviceAccountToken("default", "default", {
        audience: "https://mooring.example",
      });
      const review = async (audience: string): Promise<unknown> => {
        const spec = { token, audiences: [audience] };
        const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec };
        const answer = await api.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", { body });
        return (answer.body as { status: unknown }).status;
      };
      expect(await review("https://mooring.example")).toMatchObject({
        authenticated: true,
        user: { username: "system:serviceaccount:default:default" },
      });
      expect(await review("https://other.example")).not.toHaveProperty("authenticated", true);
    });

    test("is installed into by helm", async () => {
      expect(await api.helm(["list", "--all-namespaces", "--output", "json"])).toBe("[]\n");
    });

    test("runs beside another one, and leaves nothing", async () => {
      const other = await startApi({ controllerManager: false });
      const pids = other.servers.map(({ pid }) => pid);
      expect(other.url).not.toBe(api.url);
      expect((await other.call("GET", secret)).status).toBe(404);
      await other.stop();
      expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
      expect(existsSync(other.directory)).toBe(false);
      expect(await api.isReady()).toBe(true);
    });
  },
);
