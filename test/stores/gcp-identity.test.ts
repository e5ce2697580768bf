import { generateKeyPairSync } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Clock } from "../../src/connector/clock.ts";
import { blackHole } from "../fake/black-hole.ts";
import { place } from "../fake/secret.ts";
import { httpServer } from "../fake/secure.ts";
import { json } from "./gcp/fake-identity.ts";
import { canary, type Google, google, NAME, tidy } from "./gcp/looking.ts";
import { restBody } from "./gcp/protos.ts";
import { expectTold, letterOf } from "./row.ts";

let it: Google;
beforeEach(async () => {
  it = await google();
});
afterEach(() => it[Symbol.asyncDispose]());

const REJECTED = ["secret_unreachable", "secret", "store_identity_rejected"] as const;
const UNREACHABLE = ["secret_unreachable", "secret", "store_unreachable"] as const;
const PROVIDER = "projects/4711/locations/global/workloadIdentityPools/clusters/providers/eks";

/** A JWT of the cluster: nobody here judges its signature. */
function podToken(subject = "system:serviceaccount:mooring:connector"): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part({ sub: subject, aud: [canary("aud")] })}.${canary("signature")}`;
}

/** external_account, with the token in a file. */
async function federated(
  token: string,
  said: Record<string, unknown> = {},
): Promise<Record<string, unknown>> {
  const file = await it.file("token", `${token}\n`);
  return {
    type: "external_account",
    audience: `//iam.googleapis.com/${PROVIDER}`,
    subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
    token_url: `${it.identity.url}/v1/token`,
    credential_source: { file },
    ...said,
  };
}

const impersonation = () => ({
  service_account_impersonation_url: `${it.identity.url}/v1/projects/-/serviceAccounts/reader@shop.iam.gserviceaccount.com:generateAccessToken`,
});

const lookBy = async (credentials: unknown, canaries: readonly string[] = []) =>
  await it.look({ config: { credentialsFile: await it.file("credentials.json", credentials) }, canaries });

describe("each way to an identity", () => {
  test("the metadata server: a service account", async () => {
    expectTold(await it.look(), "online");
    expect(it.identity.given).toHaveLength(1);
  });

  test("the metadata server of GKE: the pod's own principal, where no account stands behind it", async () => {
    it.identity.email = "shop.svc.id.goog";
    it.manager.rights.clear();
    const podTokenFile = await it.file("pod-token", podToken());
    const report = await it.look({ opened: it.open({ podTokenFile }) });
    expectTold(report, ["secret_unreachable", "secret", "secret_forbidden"]);
    expect(letterOf(report)).toMatchSnapshot();
  });

  test("a key file, named by the store or by GOOGLE_APPLICATION_CREDENTIALS", async () => {
    const key = await it.identity.key("reader@shop.iam.gserviceaccount.com");
    const { private_key: pem = "" } = key;
    expectTold(await lookBy(key, [pem]), "online");
    const file = await it.file("key.json", key);
    const environment = { GOOGLE_APPLICATION_CREDENTIALS: file, HOME: it.folder };
    expectTold(await it.look({ environment, canaries: [pem] }), "online");
    expect(it.identity.asked).toEqual(["POST /token", "POST /token"]);
  });

  test("federation, its token as text or in JSON", async () => {
    const token = podToken();
    expectTold(await lookBy(await federated(token), [token]), "online");
    const file = await it.file("token.json", { id_token: token });
    const format = { type: "json", subject_token_field_name: "id_token" };
    const inJson = await federated(token, { credential_source: { file, format } });
    expectTold(await lookBy(inJson, [token]), "online");
    expect(it.identity.asked).toEqual(["POST /v1/token", "POST /v1/token"]);
  });

  test("federation, and a service account in exchange", async () => {
    const token = podToken();
    expectTold(await lookBy(await federated(token, impersonation()), [token]), "online");
    expect(it.identity.given).toHaveLength(2);
    it.manager.rights.clear();
    const report = await lookBy(await federated(token, impersonation()), [token]);
    expect(letterOf(report)).toContain("--member=serviceAccount:reader@shop.iam.gserviceaccount.com");
  });

  test("federation as itself: the principal is named as a policy writes it", async () => {
    it.manager.rights.clear();
    const report = await lookBy(await federated(podToken()));
    expectTold(report, ["secret_unreachable", "secret", "secret_forbidden"]);
    expect(letterOf(report)).toMatchSnapshot();
  });

  test("a key that may act as another account", async () => {
    const source_credentials = await it.identity.key("from@shop.iam.gserviceaccount.com");
    const credentials = { type: "impersonated_service_account", source_credentials, ...impersonation() };
    expectTold(await lookBy(credentials), "online");
    expect(it.identity.given).toHaveLength(2);
  });

  test("a person's login, where gcloud leaves it", async () => {
    const [secret, refresh] = [canary("client"), canary("refresh")];
    const login = { type: "authorized_user", client_id: "id", client_secret: secret, refresh_token: refresh };
    await mkdir(join(it.folder, ".config/gcloud"), { recursive: true });
    const file = join(it.folder, ".config/gcloud/application_default_credentials.json");
    await writeFile(file, JSON.stringify({ ...login, token_uri: `${it.identity.url}/token` }));
    expectTold(await it.look({ environment: { HOME: it.folder }, canaries: [secret, refresh] }), "online");
    it.identity.says.oauth = json(400, {
      error: "invalid_grant",
      error_description: "Token has been revoked.",
    });
    const report = await it.look({ environment: { HOME: it.folder }, canaries: [secret, refresh] });
    expectTold(report, REJECTED);
    expect(tidy(letterOf(report), it)).toMatchSnapshot();
  });

  test("the quota of another project goes with every request", async () => {
    const seen = new Set<string | undefined>();
    await using front = await httpServer((request, response) => {
      seen.add(request.headers["x-goog-user-project"] as string | undefined);
      response.writeHead(503).end();
    });
    const config = {
      endpoint: `http://127.0.0.1:${front.port}`,
      credentialsFile: await it.file(
        "credentials.json",
        await federated(podToken(), { quota_project_id: "payer" }),
      ),
    };
    await it.look({ config });
    expect([...seen]).toEqual(["payer"]);
  });
});

describe("the metadata server refuses", () => {
  const prose = "Unable to generate access token; IAM returned 403 Forbidden: prose that nobody is to see";

  test("a pod that may not act as the account it is annotated with", async () => {
    it.identity.says.metadataToken = { status: 403, body: prose };
    const podTokenFile = await it.file("pod-token", podToken());
    const report = await it.look({ opened: it.open({ podTokenFile }) });
    expectTold(report, REJECTED);
    expect(letterOf(report)).toMatchSnapshot();
    expect(letterOf(report)).not.toContain("nobody is to see");
    expect(letterOf(await it.look())).toMatchSnapshot(); // Not in a pod, as far as we see.
  });

  test.each([
    ["no service account", { email: { status: 404, body: "", headers: { "metadata-flavor": "Google" } } }],
    ["no token", { metadataToken: { status: 404, body: "" } }],
    ["an answer without a token", { metadataToken: json(200, {}) }],
  ])("%s", async (_is, says) => {
    Object.assign(it.identity.says, says);
    const report = await it.look();
    expectTold(report, REJECTED);
    expect(letterOf(report)).toMatchSnapshot();
  });

  test("it fails: that is no refusal", async () => {
    it.identity.says.metadataToken = { status: 503, body: "starting" };
    const report = await it.look();
    expectTold(report, UNREACHABLE);
    expect(letterOf(report)).toMatchSnapshot();
  });

  test("too many ask it", async () => {
    it.identity.says.metadataToken = { status: 429, body: "", headers: { "retry-after": "5" } };
    const report = await it.look();
    expectTold(report, ["secret_unreachable", "secret", "store_rate_limited"]);
    expect(letterOf(report)).toMatchSnapshot();
  });

  test("another cloud's stands there", async () => {
    await using other = await httpServer((_request, response) => response.writeHead(401).end());
    const report = await it.look({ environment: { GCE_METADATA_HOST: `127.0.0.1:${other.port}` } });
    expectTold(report, REJECTED);
    expect(letterOf(report)).toMatchSnapshot();
  });

  test("nothing stands there, or what never answers: three seconds, not more", async () => {
    const gone = await httpServer(() => {});
    await gone[Symbol.asyncDispose]();
    const closed = await it.look({ environment: { GCE_METADATA_HOST: `127.0.0.1:${gone.port}` } });
    expectTold(closed, REJECTED);
    expect(letterOf(closed)).toMatchSnapshot();
    await using hole = await blackHole();
    const started = performance.now();
    const report = await it.look({ environment: { GCE_METADATA_HOST: `127.0.0.1:${hole.port}` } });
    expect(performance.now() - started).toBeLessThan(4500);
    expectTold(report, REJECTED);
    expect(letterOf(report)).toMatchSnapshot();
  });
});

describe("a key is refused", () => {
  const account = "reader@shop.iam.gserviceaccount.com";
  const prose = "that nobody is to see";

  test("deleted: its signature counts no more", async () => {
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    const pem = String(other.export({ format: "pem", type: "pkcs8" }));
    const report = await lookBy({ ...(await it.identity.key(account)), private_key: pem }, [pem]);
    expectTold(report, REJECTED);
    expect(tidy(letterOf(report), it)).toMatchSnapshot();
  });

  test.each([
    [
      "account not found",
      400,
      { error: "invalid_grant", error_description: `Invalid grant: account not found ${prose}` },
    ],
    ["account disabled", 400, { error: "invalid_grant", error_description: `Robot is disabled. ${prose}` }],
    ["client disabled", 401, { error: "disabled_client", error_description: prose }],
    ["client deleted", 401, { error: "deleted_client", error_description: prose }],
    ["anything else", 400, { error: "invalid_scope", error_description: prose }],
    ["what is no OAuth", 403, { message: prose }],
  ])("%s", async (_is, status, body) => {
    it.identity.says.oauth = json(status, body);
    const report = await lookBy(await it.identity.key(account));
    expectTold(report, REJECTED);
    expect(tidy(letterOf(report), it)).toMatchSnapshot();
    expect(letterOf(report)).not.toContain(prose);
  });

  test("the clock is wrong: by how much, by the answer's date", async () => {
    const description =
      "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.";
    const date = new Date(Date.now() + 3 * 3_600_000 + 30_000).toUTCString();
    it.identity.says.oauth = json(400, { error: "invalid_grant", error_description: description }, { date });
    const report = await lookBy(await it.identity.key(account));
    expectTold(report, REJECTED);
    expect(tidy(letterOf(report), it)).toMatchSnapshot();
  });

  test("the token endpoint fails, or cannot be reached", async () => {
    it.identity.says.oauth = json(503, {});
    const failing = await lookBy(await it.identity.key(account));
    expectTold(failing, UNREACHABLE);
    expect(tidy(letterOf(failing), it)).toMatchSnapshot();
    const gone = await httpServer(() => {});
    await gone[Symbol.asyncDispose]();
    const token_uri = `http://127.0.0.1:${gone.port}/token`;
    const report = await lookBy({ ...(await it.identity.key(account)), token_uri });
    expectTold(report, UNREACHABLE);
    expect(tidy(letterOf(report), it)).toMatchSnapshot();
  });

  test("the token endpoint never answers: the deadline names it", async () => {
    await using silent = await httpServer(() => {});
    const token_uri = `http://127.0.0.1:${silent.port}/token`;
    const credentialsFile = await it.file("key.json", { ...(await it.identity.key(account)), token_uri });
    const report = await it.look({ config: { credentialsFile }, timeoutMs: 600 });
    expectTold(report, ["secret_unreachable", "secret", "store_timeout"]);
    expect(letterOf(report)).toMatchSnapshot();
  });
});

describe("a credentials file that is none", () => {
  test("a key of another kind", async () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const private_key = String(privateKey.export({ format: "pem", type: "pkcs8" }));
    const key = await it.identity.key("a@b.iam.gserviceaccount.com");
    const report = await lookBy({ ...key, private_key }, [private_key]);
    expectTold(report, REJECTED);
    expect(tidy(letterOf(report), it)).toMatchSnapshot();
  });

  const whole = { type: "service_account", client_email: "a@b.iam.gserviceaccount.com", private_key: "x" };

  test.each([
    ["not JSON", "{"],
    ["an array", []],
    ["of a kind that we do not take", { type: "gdch_service_account" }],
    ["without an account", { ...whole, client_email: undefined }],
    ["with a key that is none", { ...whole, private_key: "-----BEGIN PRIVATE KEY-----\\nescaped twice" }],
    [
      "with tokens from a program",
      {
        type: "external_account",
        audience: "a",
        subject_token_type: "t",
        credential_source: { executable: { command: "x" } },
      },
    ],
  ])("%s", async (_is, content) => {
    const report = await lookBy(content);
    expectTold(report, REJECTED);
    expect(tidy(letterOf(report), it)).toMatchSnapshot();
  });

  test("that sends the key in plain text somewhere", async () => {
    const key = await it.identity.key("a@b.iam.gserviceaccount.com");
    const report = await lookBy({ ...key, token_uri: "http://oauth2.googleapis.com/token" });
    expectTold(report, REJECTED);
    expect(tidy(letterOf(report), it)).toMatchSnapshot();
  });

  test("that is not there, and one that is a folder", async () => {
    for (const credentialsFile of [join(it.folder, "absent.json"), it.folder]) {
      const report = await it.look({ config: { credentialsFile } });
      expectTold(report, REJECTED);
      expect(tidy(letterOf(report), it)).toMatchSnapshot();
    }
  });
});

describe("a federated token is refused", () => {
  const prose = "that nobody is to see";

  test.each([
    ["no such provider", { error: "invalid_target", error_description: prose }],
    ["attribute condition", { error: "unauthorized_client", error_description: prose }],
    [
      "audience",
      { error: "invalid_grant", error_description: `The audience in ID Token does not match. ${prose}` },
    ],
    [
      "stale",
      { error: "invalid_grant", error_description: `ID Token issued at 1 is stale to sign-in. ${prose}` },
    ],
    [
      "issuer",
      {
        error: "invalid_grant",
        error_description: `Error connecting to the given credential's issuer. ${prose}`,
      },
    ],
    [
      "an audience that is none",
      { error: "invalid_request", error_description: `Invalid value for "audience". ${prose}` },
    ],
    ["anything else", { error: "server_error", error_description: prose }],
  ])("%s", async (_is, body) => {
    it.identity.says.sts = json(400, body);
    const token = podToken();
    const report = await lookBy(await federated(token), [token]);
    expectTold(report, REJECTED);
    expect(tidy(letterOf(report), it)).toMatchSnapshot();
    expect(letterOf(report)).not.toContain(prose);
  });

  test("its file is not there, or empty", async () => {
    const absent = await lookBy(
      await federated("", { credential_source: { file: join(it.folder, "absent") } }),
    );
    expectTold(absent, REJECTED);
    expect(tidy(letterOf(absent), it)).toMatchSnapshot();
    const empty = await lookBy(await federated(""));
    expectTold(empty, REJECTED);
    expect(tidy(letterOf(empty), it)).toMatchSnapshot();
  });

  const denied = (info: { reason: string; domain: string; metadata: Record<string, string> }) =>
    json(403, restBody({ code: "PERMISSION_DENIED", message: prose, info }));

  test.each([
    [
      "no right to act as the account",
      () => {
        const metadata = { permission: "iam.serviceAccounts.getAccessToken" };
        return denied({ reason: "IAM_PERMISSION_DENIED", domain: "iam.googleapis.com", metadata });
      },
    ],
    [
      "API of credentials not enabled",
      () => {
        const metadata = { consumer: "projects/4711", service: "iamcredentials.googleapis.com" };
        return denied({ reason: "SERVICE_DISABLED", domain: "googleapis.com", metadata });
      },
    ],
    ["no such account", () => json(404, restBody({ code: "NOT_FOUND", message: prose }))],
    ["anything else", () => json(400, {})],
  ])("impersonation: %s", async (_is, reply) => {
    it.identity.says.impersonate = reply();
    const token = podToken();
    const report = await lookBy(await federated(token, impersonation()), [token]);
    expectTold(report, REJECTED);
    expect(tidy(letterOf(report), it)).toMatchSnapshot();
  });
});

describe("a token", () => {
  const signal = AbortSignal.timeout(20_000);

  function clockAt(): Clock & { ahead: number } {
    const { clock } = place();
    return {
      ahead: 0,
      tick: () => clock.tick(),
      sleep: (ms, until) => clock.sleep(ms, until),
      after: (ms, then) => clock.after(ms, then),
      now() {
        return Date.now() + this.ahead;
      },
    };
  }

  test("is one for many secrets at once, and for an hour", async () => {
    const store = it.open();
    await Promise.all(Array.from({ length: 50 }, () => store.read({ name: NAME }, signal)));
    await store.read({ name: NAME }, signal);
    expect(it.identity.given).toHaveLength(1);
    await store.close?.();
  });

  test("is renewed before it ends; one that cannot be renewed is used to its end", async () => {
    const clock = clockAt();
    const store = it.open({ place: { ...place(it.environment), clock } });
    await store.read({ name: NAME }, signal);
    clock.ahead = 56 * 60_000;
    it.identity.says.metadataToken = { status: 503, body: "" };
    await store.read({ name: NAME }, signal);
    expect(it.identity.given).toHaveLength(1);
    it.identity.says.metadataToken = undefined as never;
    await store.read({ name: NAME }, signal);
    expect(it.identity.given).toHaveLength(2);
    it.identity.says.metadataToken = { status: 503, body: "" };
    clock.ahead += 61 * 60_000;
    await expect(store.read({ name: NAME }, signal)).rejects.toMatchObject({ reason: "store_unreachable" });
    await store.close?.();
  });

  test("that Secret Manager refuses is dropped and got once more", async () => {
    const store = it.open();
    await store.read({ name: NAME }, signal);
    it.manager.tokens.clear();
    await store.read({ name: NAME }, signal);
    expect(it.identity.given).toHaveLength(2);
    await store.close?.();
  });

  test("that is refused again is the identity's trouble", async () => {
    const refusal = { reason: "ACCOUNT_STATE_INVALID", domain: "googleapis.com", metadata: {} };
    it.manager.refuses = () => ({ code: "UNAUTHENTICATED", message: "that nobody is to see", info: refusal });
    const report = await it.look();
    expectTold(report, REJECTED);
    expect(letterOf(report)).toMatchSnapshot();
    expect(it.identity.given).toHaveLength(2);
  });

  test("a mounted file that changes is read at the next renewal", async () => {
    const clock = clockAt();
    const key = await it.identity.key("first@shop.iam.gserviceaccount.com");
    const credentialsFile = await it.file("key.json", { ...key, private_key: "none" });
    const where = { ...place(it.environment), clock };
    const store = it.open({ config: { endpoint: it.url, credentialsFile }, place: where });
    await expect(store.read({ name: NAME }, signal)).rejects.toMatchObject({
      reason: "store_identity_rejected",
    });
    await it.file("key.json", key);
    await store.read({ name: NAME }, signal);
    await store.close?.();
  });
});
