/** Several replicas of one connector on a real API server: one key in a Secret, one leader by a Lease. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually, Plane, Program } from "../process/programs.ts";
import { freePort } from "../process/programs.ts";
import { type Api, canRunApi, startApi } from "./api.ts";

const why = canRunApi();

const RIGHTS = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: mooring, namespace: default}
---
apiVersion: v1
kind: Secret
metadata: {name: mooring-state, namespace: default}
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: mooring, namespace: default}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: mooring, namespace: default}
rules:
  - {apiGroups: [""], resources: [secrets], resourceNames: [mooring-state], verbs: [get, patch]}
  - {apiGroups: [coordination.k8s.io], resources: [leases], resourceNames: [mooring], verbs: [get, update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: mooring, namespace: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: mooring}
subjects: [{kind: ServiceAccount, name: mooring, namespace: default}]
`;

describe.skipIf(why !== undefined)(`replicas${why === undefined ? "" : ` (skipped: ${why})`}`, () => {
  const parts = new AsyncDisposableStack();
  let api: Api;
  let plane: Plane;
  let joinTokenFile: string;
  let kubeconfig: string;
  const running: Program[] = [];

  beforeAll(async () => {
    api = parts.use(await startApi());
    await api.kubectl(["apply", "-f", "-"], { stdin: RIGHTS });
    kubeconfig = await api.kubeconfig({ token: await api.serviceAccountToken("default", "mooring") });
    plane = parts.use(await Plane.start({ scale: 1 }));
    joinTokenFile = await plane.joinToken("prod");
  });
  afterAll(async () => {
    await Promise.all(running.map((program) => program.stop("SIGKILL")));
    await parts.disposeAsync();
  });

  async function replica(name: string): Promise<Program> {
    const flags = [
      ...["--state", "secret:mooring-state", "--lease", "mooring"],
      ...["--control-plane", plane.url, "--join-token-file", joinTokenFile, "--first-spread", "0"],
      ...["--listen", `127.0.0.1:${await freePort()}`],
    ];
    const environment = {
      KUBECONFIG: kubeconfig,
      MOORING_SERVICE_ACCOUNT_DIR: "/none",
      MOORING_POD_NAME: name,
      MOORING_POD_UID: `uid-of-${name}`,
    };
    const program = new Program(["connector", ...flags], environment);
    running.push(program);
    return program;
  }

  const leads = (program: Program, ms = 30_000): Promise<unknown> =>
    program.logged("to lead", ({ message }) => message === "This replica leads now.", ms);
  const connected = (program: Program): Promise<unknown> =>
    program.logged("a session", ({ message }) =>
      message.startsWith("The session with the control plane is ready"),
    );
  const holder = async (): Promise<unknown> =>
    (
      (await api.call("GET", "/apis/coordination.k8s.io/v1/namespaces/default/leases/mooring")).body as {
        spec?: { holderIdentity?: string };
      }
    ).spec?.holderIdentity;

  test("the key is in the Secret, one leads, and each way of its end hands over", async () => {
    const a = await replica("a");
    await leads(a);
    await connected(a);
    expect(await holder()).toBe("a_uid-of-a");
    const { body } = await api.call("GET", "/api/v1/namespaces/default/secrets/mooring-state");
    expect(Object.keys((body as { data: object }).data).sort()).toEqual(["enrolment.json", "key.json"]);
    // What the chart renders, an empty Secret, takes nothing from it.
    await api.kubectl(["apply", "--server-side", "--field-manager=helm", "--force-conflicts", "-f", "-"], {
      stdin: RIGHTS,
    });
    const again = await api.call("GET", "/api/v1/namespaces/default/secrets/mooring-state");
    expect((again.body as { data: object }).data).toEqual((body as { data: object }).data);

    const b = await replica("b");
    await b.logged("to stand by", ({ message }) => message.startsWith("This replica stands by"));

    // SIGTERM: it says goodbye and gives the Lease up.
    const left = performance.now();
    expect(await a.stop("SIGTERM")).toEqual({ code: 0, signal: null });
    await leads(b);
    const handover = performance.now() - left;
    await connected(b);
    expect(handover).toBeLessThan(5_000);

    // kill -9: its Lease runs out.
    const c = await replica("c");
    await c.logged("to stand by", ({ message }) => message.startsWith("This replica stands by"));
    const killed = performance.now();
    await b.stop("SIGKILL");
    await leads(c);
    await connected(c);
    expect(performance.now() - killed).toBeLessThan(20_000);

    // SIGSTOP: another one takes over; the frozen one, awake again, sees it and ends.
    const d = await replica("d");
    await d.logged("to stand by", ({ message }) => message.startsWith("This replica stands by"));
    c.signal("SIGSTOP");
    await leads(d);
    await connected(d);
    c.signal("SIGCONT");
    await c.logged("to lead no more", ({ message }) => message.includes("leads no more"));
    expect(await c.ended).toEqual({ code: 0, signal: null });
    await plane.connectorIs("prod", "connected");
    expect(await holder()).toBe("d_uid-of-d");
    const events = await readFile(joinTokenFile, "utf8");
    for (const program of running) expect(program.stdout).not.toContain(events.trim());
  });

  test("what is missing is said by name", async () => {
    await api.kubectl(["delete", "role", "mooring"]);
    const e = await replica("e");
    const line = await e.logged("the trouble", ({ message }) => message.includes("Lease default/mooring"));
    expect(line.message).toBe(
      "The Lease default/mooring cannot be used: give the ServiceAccount the rights get and update on that Lease.",
    );
    await e.stop("SIGTERM");
    const flags = [
      "--state",
      "secret:mooring-state",
      "--control-plane",
      plane.url,
      "--listen",
      "127.0.0.1:0",
    ];
    const f = new Program(["connector", ...flags], {
      KUBECONFIG: kubeconfig,
      MOORING_SERVICE_ACCOUNT_DIR: "/none",
    });
    expect((await f.ended).code).toBe(2);
    expect(f.stderr).toBe(
      "mooring connector: The connector's identity in Secret default/mooring-state cannot be read: give its ServiceAccount the right to get that Secret (the chart does, unless rbac.create is false).\n",
    );
    await eventually("nothing", () => true);
  });
});
