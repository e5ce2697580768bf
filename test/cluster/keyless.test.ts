/** Connectors that enrol by their ServiceAccount's token, on a real API server: nothing of theirs is kept in the cluster. */
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Agent, eventually, folder, Plane, ran, statusOf } from "../process/programs.ts";
import { type Api, canRunApi, startApi } from "./api.ts";

const why = canRunApi();
const SCALE = 0.05;

const OBJECTS = `
apiVersion: v1
kind: Namespace
metadata: {name: mooring}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: mooring-connector, namespace: mooring}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: reviewed, namespace: mooring}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: mooring-control-plane, namespace: mooring}
`;

const POD = `
apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: mooring}
spec: {serviceAccountName: reviewed, containers: [{name: connector, image: mooring}]}
`;

/** As the chart of the control plane has it with rbac.tokenReview. */
const REVIEW_RIGHT = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: token-review}
rules: [{apiGroups: [authentication.k8s.io], resources: [tokenreviews], verbs: [create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: token-review}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: token-review}
subjects: [{kind: ServiceAccount, name: mooring-control-plane, namespace: mooring}]
`;

describe.skipIf(why !== undefined)(`keyless join${why === undefined ? "" : ` (skipped: ${why})`}`, () => {
  const parts = new AsyncDisposableStack();
  const canaries: string[] = [];
  const agents: Agent[] = [];
  let api: Api;
  let plane: Plane;
  let dir: string;
  let issuer: string;
  let jwksFile: string;

  beforeAll(async () => {
    api = parts.use(await startApi());
    ({ path: dir } = parts.use(await folder()));
    await api.kubectl(["apply", "-f", "-"], { stdin: OBJECTS });
    const discovery = await api.kubectl(["get", "--raw", "/.well-known/openid-configuration"]);
    ({ issuer } = JSON.parse(discovery) as { issuer: string });
    jwksFile = join(dir, "jwks.json");
    await writeFile(jwksFile, await api.kubectl(["get", "--raw", "/openid/v1/jwks"]));
    // What the kubelet would mount into the control plane's Pod.
    const directory = join(dir, "account");
    await mkdir(directory);
    await copyFile(api.caFile, join(directory, "ca.crt"));
    await writeFile(join(directory, "token"), await token("mooring-control-plane"));
    const { hostname, port } = new URL(api.url);
    plane = parts.use(
      await Plane.start({
        scale: SCALE,
        environment: {
          KUBERNETES_SERVICE_HOST: hostname,
          KUBERNETES_SERVICE_PORT: port,
          MOORING_SERVICE_ACCOUNT_DIR: directory,
        },
      }),
    );
  });
  afterAll(async () => {
    for (const agent of agents) await agent[Symbol.asyncDispose]();
    await parts.disposeAsync();
  });

  async function token(name: string, audience?: string): Promise<string> {
    const made = await api.serviceAccountToken("mooring", name, audience === undefined ? {} : { audience });
    canaries.push(made);
    return made;
  }

  /** The API server remembers for 10 s whom it vouched for. */
  async function isForgotten(gone: string): Promise<void> {
    const spec = { token: gone, audiences: [plane.url] };
    const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec };
    const look = async (): Promise<true | undefined> => {
      const answer = await api.call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", { body });
      const { status } = answer.body as { status: { authenticated?: boolean } };
      return status.authenticated === true ? undefined : true;
    };
    await eventually("the API server forgets", look, { ms: 30_000 });
  }

  const add = (connector: string, account: string, ...how: string[]): ReturnType<typeof ran> =>
    ran([
      ...["connector-identity", "add", connector, "--issuer", issuer],
      ...["--service-account", `mooring/${account}`, ...how, ...plane.flags],
    ]);

  /** A connector as a new Pod has it: with a token in a file, and nothing else. */
  async function agent(file: string, ready = true): Promise<Agent> {
    const flags = ["--service-account-token-file", file, "--first-spread", "0"];
    const made = await Agent.start({ scale: SCALE, to: plane.url, flags, ready });
    agents.push(made);
    return made;
  }

  const refusal = async (made: Agent, reason: string): Promise<string> =>
    (await made.program.logged(reason, (line) => line.reason === reason, 20_000)).message;

  test("by pinned keys: connected without a join token, and again as a new Pod with another key", async () => {
    const file = join(dir, "pinned");
    await writeFile(file, await token("mooring-connector", plane.url));
    const early = await agent(file, false);
    expect(await refusal(early, "token_unknown")).toBe(
      `The control plane at ${new URL(plane.url).host} does not know ServiceAccount mooring/mooring-connector of issuer ${issuer} (${file}): register it with mooring connector-identity add NAME --service-account mooring/mooring-connector --issuer ${issuer} and --jwks-file or --token-review.`,
    );
    // Registered afterwards: it needs no hand.
    expect(await add("pinned", "mooring-connector", "--jwks-file", jwksFile)).toMatchObject({ code: 0 });
    await plane.connectorIs("pinned", "connected");
    await early.program.stop();
    await agent(file);
    await plane.connectorIs("pinned", "connected");
  });

  test("revoked: its token does not bring it back until it is registered anew", async () => {
    const file = join(dir, "revoked");
    await writeFile(file, await token("mooring-connector", plane.url));
    const made = await agent(file);
    await plane.api("POST", "/connectors/pinned/revoke");
    await made.program.logged("why", ({ message }) =>
      message.includes(
        "has revoked this connector: to let ServiceAccount mooring/mooring-connector enrol again",
      ),
    );
    expect(await statusOf(`${made.health}/readyz`)).toBe(503);
    expect((await add("pinned", "mooring-connector", "--jwks-file", jwksFile)).code).toBe(0);
    await writeFile(file, await token("mooring-connector", plane.url));
    await plane.connectorIs("pinned", "connected");
    await made.program.stop();
  });

  test("a token for another audience says so, and the one that the kubelet puts there next is used", async () => {
    const file = join(dir, "audience");
    await writeFile(file, await token("mooring-connector", "https://elsewhere.example"));
    const made = await agent(file, false);
    expect(await refusal(made, "bad_audience")).toBe(
      `The control plane at ${new URL(plane.url).host} is not whom the token of ServiceAccount mooring/mooring-connector in ${file} is meant for (https://elsewhere.example): project it for the control plane's public URL, and give the connector that address.`,
    );
    const doctor = await ran([
      ...["doctor", "--control-plane", plane.url, "--state", join(dir, "doctor")],
      ...["--service-account-token-file", file],
    ]);
    expect(doctor.stdout).toContain(
      `the token in ${file} is meant for https://elsewhere.example, not for ${plane.url}: project it with that audience`,
    );
    await writeFile(file, await token("mooring-connector", plane.url));
    await made.program.until200(`${made.health}/readyz`);
    const healed = await ran([
      ...["doctor", "--control-plane", plane.url, "--state", join(dir, "doctor")],
      ...["--service-account-token-file", file],
    ]);
    expect(healed.stdout).toContain(`mooring/mooring-connector of issuer ${issuer}, by ${file} until `);
    expect(healed.stdout).toContain("welcome, as connector pinned; a running one was not displaced");
    expect(await plane.get("/connectors/pinned")).toMatchObject({ state: "connected" });
  });

  test("a review needs one right, and its lack is told by name", async () => {
    const refused = await add("reviewed", "reviewed", "--token-review");
    expect(refused).toMatchObject({
      code: 1,
      stderr: `${plane.url} answered 409: Conflict: The control plane may not create TokenReviews: set rbac.tokenReview=true in its chart.\n`,
    });
    await api.kubectl(["apply", "-f", "-"], { stdin: REVIEW_RIGHT });
    const added = await eventually("the right", async () => {
      const said = await add("reviewed", "reviewed", "--token-review");
      return said.code === 0 ? said : undefined;
    });
    expect(added.stderr).toContain(
      `ServiceAccount mooring/reviewed of ${issuer} may enrol as connector reviewed`,
    );
  });

  test("by review: connected; forgotten, it enrols anew by the token of that moment", async () => {
    const file = join(dir, "reviewed");
    const first = await token("reviewed", plane.url);
    await writeFile(file, first);
    const made = await agent(file);
    await plane.connectorIs("reviewed", "connected");
    // Its first token is no good any more: the account is another one of the same name.
    await api.kubectl(["-n", "mooring", "delete", "serviceaccount", "reviewed"]);
    await api.kubectl(["-n", "mooring", "create", "serviceaccount", "reviewed"]);
    await isForgotten(first);
    await plane.api("DELETE", "/connectors/reviewed");
    expect(await refusal(made, "mustEnrol")).toContain("the connector must enrol again");
    expect((await add("reviewed", "reviewed", "--token-review")).code).toBe(0);
    const told = await refusal(made, "token_rejected");
    expect(told).toContain(`does not accept the token of ServiceAccount mooring/reviewed in ${file}`);
    expect(told).toContain("or the account or its Pod is gone");
    await writeFile(file, await token("reviewed", plane.url));
    await plane.connectorIs("reviewed", "connected", 30_000);
    await made.program.stop();
  });

  test("by review: a Pod that is deleted enrols no more, and neither does an account that is", async () => {
    await api.kubectl(["apply", "-f", "-"], { stdin: POD });
    const { uid } = (
      JSON.parse(await api.kubectl(["-n", "mooring", "get", "pod", "agent", "-o", "json"])) as {
        metadata: { uid: string };
      }
    ).metadata;
    const boundObjectRef = { apiVersion: "v1", kind: "Pod", name: "agent", uid };
    const spec = { audiences: [plane.url], expirationSeconds: 600, boundObjectRef };
    const asked = await api.call("POST", "/api/v1/namespaces/mooring/serviceaccounts/reviewed/token", {
      body: { spec },
    });
    const bound = (asked.body as { status: { token: string } }).status.token;
    canaries.push(bound);
    const file = join(dir, "bound");
    await writeFile(file, bound);
    const alive = await agent(file);
    await plane.connectorIs("reviewed", "connected");
    await alive.program.stop();
    await api.kubectl(["-n", "mooring", "delete", "pod", "agent", "--now"]);
    await isForgotten(bound);
    expect(await refusal(await agent(file, false), "token_rejected")).toContain("or its Pod is gone");

    const late = join(dir, "late");
    await writeFile(late, await token("reviewed", plane.url));
    await api.kubectl(["-n", "mooring", "delete", "serviceaccount", "reviewed"]);
    const orphan = await agent(late, false);
    expect(await refusal(orphan, "token_rejected")).toContain("ServiceAccount mooring/reviewed");
    expect(await statusOf(`${orphan.health}/readyz`)).toBe(503);
  });

  test("no token is in any log", () => {
    const logs = [plane.program, ...agents.map(({ program }) => program)].map(
      ({ stdout, stderr }) => stdout + stderr,
    );
    expect(canaries.length).toBeGreaterThan(5);
    for (const log of logs)
      for (const canary of canaries) expect(log.includes(canary.split(".")[2] ?? canary)).toBe(false);
  });
});
