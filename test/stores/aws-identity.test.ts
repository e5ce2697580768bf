import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Clock, systemClock } from "../../src/connector/clock.ts";
import { aws, type AwsRef } from "../../src/connector/secrets/aws.ts";
import type { SecretStore } from "../../src/connector/secrets/secret-store.ts";
import type { ReasonCode } from "../../src/protocol/reasons.ts";
import { place, settings } from "../fake/secret.ts";
import { blackHole, refusedPort } from "../fake/targets.ts";
import {
  type Answer,
  denied,
  error,
  type FakeAws,
  fakeAws,
  type Script,
  stsError,
  stsKeys,
} from "./aws/fake-aws.ts";
import { canary, GOOD, KEYS, lookAt, type Look, SESSION_TOKEN } from "./aws/looking.ts";
import { expectTold, letterOf, type Told } from "./row.ts";

const ROLE = "arn:aws:iam::111122223333:role/teams/mooring";
const OTHER_ROLE = "arn:aws:iam::444455556666:role/orders-reader";
const SESSION = {
  accessKeyId: "ASIAIOSFODNN7SESS",
  secretAccessKey: canary("session-secret"),
  sessionToken: SESSION_TOKEN,
};
const AGENT_KEYS = {
  AccessKeyId: SESSION.accessKeyId,
  SecretAccessKey: SESSION.secretAccessKey,
  Token: SESSION.sessionToken,
  Expiration: "2100-01-01T00:00:00Z",
};
const POD_TOKEN = canary("pod-token");
const IMDS_TOKEN = canary("imds-token");

/** A token as the cluster makes it; its signature is the canary. */
function serviceAccountToken(audience: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    iss: "https://oidc.eks.eu-central-1.amazonaws.com/id/ABCDEF",
    sub: "system:serviceaccount:mooring:connector",
    aud: [audience],
  };
  return `${part({ alg: "RS256" })}.${part(claims)}.${canary("signature")}`;
}

const WEB_TOKEN = serviceAccountToken("sts.amazonaws.com");
const canaries = [...Object.values(SESSION), WEB_TOKEN, POD_TOKEN, IMDS_TOKEN];

let folder = "";
/** Files that the rows name. Paths in the golden words are without the folder. */
const FILES: Readonly<Record<string, string>> = {
  token: `${WEB_TOKEN}\n`,
  empty: "",
  "eks-pod-identity-token": POD_TOKEN,
  config: [
    "[default]\nregion = eu-central-1",
    `[profile chained]\nrole_arn = ${OTHER_ROLE}\nsource_profile = base\nexternal_id = shared-42`,
    "[profile sso]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = reader\n[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-central-1",
    "[profile program]\ncredential_process = /bin/false",
    "[profile nothing]\nregion = eu-west-3",
    "[profile working]\ncredential_process = cat FOLDER/process.json",
    `[profile token]\nrole_arn = ${ROLE}\nweb_identity_token_file = FOLDER/token`,
    `[profile no-token]\nrole_arn = ${ROLE}\nweb_identity_token_file = FOLDER/none`,
  ].join("\n"),
  "process.json": JSON.stringify({ Version: 1, ...AGENT_KEYS, SessionToken: SESSION_TOKEN }),
  credentials: `[base]\naws_access_key_id = ${SESSION.accessKeyId}\naws_secret_access_key = ${SESSION.secretAccessKey}\naws_session_token = ${SESSION.sessionToken}\n`,
  "default-credentials": `[default]\naws_access_key_id = ${SESSION.accessKeyId}\naws_secret_access_key = ${SESSION.secretAccessKey}\n`,
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mooring-aws-"));
  for (const [name, text] of Object.entries(FILES))
    await writeFile(join(folder, name), text.replaceAll("FOLDER", folder));
});

afterAll(() => rm(folder, { recursive: true }));

const NOWHERE = { AWS_EC2_METADATA_DISABLED: "true", HOME: "/nonexistent" };

interface Row {
  readonly fault: string;
  readonly script?: Script;
  readonly look?: (fake: FakeAws) => Look;
  readonly told?: Told;
}

const rejected: Told = ["secret_unreachable", "secret", "store_identity_rejected"];
const unreachable = (reason: ReasonCode): Told => ["secret_unreachable", "secret", reason];

/** The environment that EKS gives to a pod whose ServiceAccount has a role (IRSA). */
function irsa(tokenFile = "token"): Record<string, string> {
  return { ...NOWHERE, AWS_ROLE_ARN: ROLE, AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, tokenFile) };
}

/** The environment that EKS Pod Identity gives to a pod; its agent is on this machine. */
function podIdentity(url: string): Record<string, string> {
  return {
    ...NOWHERE,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${url}/v1/credentials`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: join(folder, "eks-pod-identity-token"),
  };
}

function shared(credentials = "credentials"): Record<string, string> {
  const files = {
    AWS_CONFIG_FILE: join(folder, "config"),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, credentials),
  };
  return { ...NOWHERE, ...files };
}

const web = (answer: Answer, tokenFile?: string): Omit<Row, "fault"> => ({
  script: { AssumeRoleWithWebIdentity: answer },
  look: () => ({ environment: irsa(tokenFile) }),
});
const keys = (code: string, words = "no", status = 400): Omit<Row, "fault"> => ({
  script: { GetSecretValue: error(code, words, status) },
});
const pod = (answer: Answer): Omit<Row, "fault"> => ({
  script: { "GET /v1/credentials": answer },
  look: (fake) => ({
    environment: {
      ...podIdentity(fake.url),
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: join(folder, "eks-pod-identity-token"),
    },
  }),
});
const profile = (name: string, script: Script = {}): Omit<Row, "fault"> => ({
  script,
  look: () => ({ environment: shared(), config: { profile: name } }),
});
const imds = (script: Script): Omit<Row, "fault"> => ({
  script: { "PUT /latest/api/token": { body: IMDS_TOKEN }, ...script },
  look: (fake) => ({ environment: { HOME: "/nonexistent", AWS_EC2_METADATA_SERVICE_ENDPOINT: fake.url } }),
});
const hourOff = new Date(Date.now() + 3_600_000).toUTCString();
const signatureOf = (ours: string, theirs: string) =>
  `Signature expired: ${ours} is now earlier than 20261122T035500Z (${theirs} - 5 min.)`;

const ROWS: readonly Row[] = [
  // Keys of the environment.
  { fault: "an access key that AWS does not know", ...keys("UnrecognizedClientException") },
  { fault: "a session that has ended", ...keys("ExpiredTokenException") },
  {
    fault: "a secret key of another access key",
    ...keys("InvalidSignatureException", "The request signature we calculated does not match"),
  },
  { fault: "a signature that lost its headers", ...keys("IncompleteSignatureException") },
  {
    fault: "a clock that is an hour behind, by AWS's Date",
    script: {
      GetSecretValue: error("InvalidSignatureException", "Signature expired", 400, { date: hourOff }),
    },
  },
  {
    fault: "a clock that is off, by AWS's words",
    script: {
      GetSecretValue: error(
        "RequestTimeTooSkewed",
        signatureOf("20261122T020000Z", "20261122T040000Z"),
        403,
        {
          date: "",
        },
      ),
    },
  },
  { fault: "nothing at all", look: () => ({ environment: NOWHERE }) },
  {
    fault: "half a pair of keys",
    look: () => ({ environment: { ...NOWHERE, AWS_ACCESS_KEY_ID: KEYS.AWS_ACCESS_KEY_ID } }),
  },
  { fault: "half a web identity", look: () => ({ environment: { ...NOWHERE, AWS_ROLE_ARN: ROLE } }) },

  // IRSA.
  {
    fault: "IRSA: nothing",
    script: {
      AssumeRoleWithWebIdentity: stsKeys("AssumeRoleWithWebIdentity", SESSION),
      GetSecretValue: GOOD,
    },
    look: () => ({ environment: irsa() }),
    told: "online",
  },
  { fault: "IRSA: no token file", ...web(stsError("AccessDenied", "no"), "none") },
  { fault: "IRSA: an empty token file", ...web(stsError("AccessDenied", "no"), "empty") },
  {
    fault: "IRSA: a trust policy that does not take the token",
    ...web(stsError("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")),
  },
  {
    fault: "IRSA: a token that has ended",
    ...web(
      stsError(
        "ExpiredTokenException",
        "Token expired: current date/time must be before the expiration date/time",
        400,
      ),
    ),
  },
  {
    fault: "IRSA: no identity provider",
    ...web(
      stsError(
        "InvalidIdentityToken",
        "No OpenIDConnect provider found in your account for https://oidc.eks.eu-central-1.amazonaws.com/id/ABCDEF",
        400,
      ),
    ),
  },
  {
    fault: "IRSA: another audience",
    ...web(stsError("InvalidIdentityToken", "Incorrect token audience", 400)),
  },
  {
    fault: "IRSA: a token that AWS cannot verify",
    ...web(
      stsError("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider", 400),
    ),
  },
  { fault: "IRSA: STS in trouble", ...web(stsError("InternalFailure", "oops", 500)) },
  {
    fault: "IRSA: STS throttles",
    ...web(stsError("Throttling", "Rate exceeded", 400)),
    told: unreachable("store_rate_limited"),
  },

  // EKS Pod Identity.
  {
    fault: "Pod Identity: nothing",
    script: { "GET /v1/credentials": { body: AGENT_KEYS }, GetSecretValue: GOOD },
    look: (fake) => ({ environment: podIdentity(fake.url) }),
    told: "online",
  },
  {
    fault: "Pod Identity: no association",
    ...pod({ status: 404, body: "[0d1e]: (ResourceNotFoundException): No association found" }),
  },
  {
    fault: "Pod Identity: EKS refuses",
    ...pod({
      status: 400,
      body: "[0d1e]: (AccessDeniedException): Unauthorized Exception! EKS does not have permissions to assume the associated role., fault: client",
    }),
  },
  { fault: "Pod Identity: an answer without keys", ...pod({ body: { Code: "Failed" } }) },
  { fault: "Pod Identity: an answer that is no JSON", ...pod({ body: "hello" }) },
  {
    fault: "Pod Identity: no token file",
    look: (fake) => ({
      environment: { ...podIdentity(fake.url), AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: join(folder, "none") },
    }),
  },
  {
    fault: "Pod Identity: an agent that is not of this node",
    look: () => ({ environment: podIdentity("http://credentials.example.org") }),
  },

  // Shared profile.
  { fault: "a profile: nothing", ...profile("base", { GetSecretValue: GOOD }), told: "online" },
  {
    fault: "the default profile: nothing",
    script: { GetSecretValue: GOOD },
    look: () => ({ environment: shared("default-credentials") }),
    told: "online",
  },
  {
    fault: "a profile that assumes a role: nothing",
    ...profile("chained", { AssumeRole: stsKeys("AssumeRole", SESSION), GetSecretValue: GOOD }),
    told: "online",
  },
  {
    fault: "a profile that assumes a role, and may not",
    ...profile("chained", { AssumeRole: stsError("AccessDenied", denied("sts:AssumeRole", OTHER_ROLE, "")) }),
  },
  {
    fault: "a profile whose program gives keys: nothing",
    ...profile("working", { GetSecretValue: GOOD }),
    told: "online",
  },
  {
    fault: "a profile with a token file: nothing",
    ...profile("token", {
      AssumeRoleWithWebIdentity: stsKeys("AssumeRoleWithWebIdentity", SESSION),
      GetSecretValue: GOOD,
    }),
    told: "online",
  },
  {
    fault: "a profile with a token that has ended",
    ...profile("token", {
      AssumeRoleWithWebIdentity: stsError("ExpiredTokenException", "Token expired", 400),
    }),
  },
  { fault: "a profile with a token file that is not there", ...profile("no-token") },
  { fault: "a profile that is not there", ...profile("orders") },
  { fault: "a profile without keys", ...profile("nothing") },
  { fault: "a profile without single sign-on session", ...profile("sso") },
  { fault: "a profile whose program fails", ...profile("program") },
  {
    fault: "a profile whose keys AWS does not know",
    ...profile("base", { GetSecretValue: error("UnrecognizedClientException", "no") }),
  },

  // The machine's own role.
  {
    fault: "the instance's role: nothing",
    ...imds({
      "GET /latest/meta-data/iam/security-credentials/": { body: "node-role" },
      "GET /latest/meta-data/iam/security-credentials/node-role": {
        body: { Code: "Success", ...AGENT_KEYS },
      },
      GetSecretValue: GOOD,
    }),
    told: "online",
  },
  {
    fault: "no identity at all, and a metadata service that gives no session",
    ...imds({ "PUT /latest/api/token": { status: 403 } }),
  },
  {
    fault: "an instance without a role",
    ...imds({ "GET /latest/meta-data/iam/security-credentials/": { status: 404 } }),
  },

  // A role that the identity assumes.
  {
    fault: "a role of another account: nothing",
    script: { AssumeRole: stsKeys("AssumeRole", SESSION), GetSecretValue: GOOD },
    look: () => ({ config: { roleArn: OTHER_ROLE, externalId: "shared-42" } }),
    told: "online",
  },
  {
    fault: "a role that may not be assumed, with an external id",
    look: () => ({ config: { roleArn: OTHER_ROLE, externalId: "shared-42" } }),
  },
  { fault: "a role that may not be assumed, without one", look: () => ({ config: { roleArn: OTHER_ROLE } }) },
  {
    fault: "a role, and keys that AWS does not know",
    script: {
      AssumeRole: stsError("InvalidClientTokenId", "The security token included in the request is invalid."),
    },
    look: () => ({ config: { roleArn: OTHER_ROLE } }),
  },
  {
    fault: "a role, and a clock that is an hour behind",
    script: { AssumeRole: stsError("SignatureDoesNotMatch", "Signature expired", 403, { date: hourOff }) },
    look: () => ({ config: { roleArn: OTHER_ROLE } }),
  },
];

test.each(ROWS)("$fault", async ({ script = {}, look = () => ({}), told = rejected }) => {
  await using fake = await fakeAws(script);
  const report = await lookAt(fake, { ...look(fake), canaries });
  expectTold(report, told);
  if (told !== "online") expect(letterOf(report).replaceAll(folder, "/FOLDER")).toMatchSnapshot();
});

test("IRSA: STS is asked with the token, the store with what it gave", async () => {
  await using fake = await fakeAws({
    AssumeRoleWithWebIdentity: stsKeys("AssumeRoleWithWebIdentity", SESSION),
    GetSecretValue: GOOD,
  });
  await lookAt(fake, { environment: irsa(), canaries });
  const [sts, store] = fake.came;
  expect(sts?.body).toMatchObject({ RoleArn: ROLE, RoleSessionName: "mooring", WebIdentityToken: WEB_TOKEN });
  expect(sts?.headers.authorization).toBeUndefined();
  expect([store?.accessKeyId, store?.sessionToken]).toEqual([SESSION.accessKeyId, SESSION.sessionToken]);
});

test("Pod Identity: the agent gets the token", async () => {
  await using fake = await fakeAws({ "GET /v1/credentials": { body: AGENT_KEYS }, GetSecretValue: GOOD });
  await lookAt(fake, { environment: podIdentity(fake.url), canaries });
  expect(fake.came[0]?.headers.authorization).toBe(POD_TOKEN);
  expect(fake.came[1]?.sessionToken).toBe(SESSION.sessionToken);
});

test("an agent of the node is not asked through a proxy", async () => {
  await using fake = await fakeAws({ "GET /v1/credentials": { body: AGENT_KEYS } });
  await using shut = await refusedPort();
  const environment = { ...podIdentity(fake.url), HTTP_PROXY: `http://127.0.0.1:${shut.port}` };
  await lookAt(fake, { environment, canaries, proxy: `http://127.0.0.1:${shut.port}` });
  expect(fake.asked()).toEqual(["GET /v1/credentials"]);
});

test("role chaining: one role's keys ask for the next, with the external id", async () => {
  const next = { ...SESSION, accessKeyId: "ASIAIOSFODNN7NEXT" };
  await using fake = await fakeAws({
    AssumeRoleWithWebIdentity: stsKeys("AssumeRoleWithWebIdentity", SESSION),
    AssumeRole: stsKeys("AssumeRole", next),
    GetSecretValue: GOOD,
  });
  const config = { roleArn: OTHER_ROLE, externalId: "shared-42" };
  expectTold(await lookAt(fake, { environment: irsa(), config, canaries }), "online");
  expect(fake.asked()).toEqual(["AssumeRoleWithWebIdentity", "AssumeRole", "GetSecretValue"]);
  expect(fake.came[1]?.body).toMatchObject({ RoleArn: OTHER_ROLE, ExternalId: "shared-42" });
  expect(fake.came.map(({ accessKeyId }) => accessKeyId)).toEqual([
    "",
    SESSION.accessKeyId,
    next.accessKeyId,
  ]);
});

test("a profile's region is the store's where nothing else names one", async () => {
  await using fake = await fakeAws({ GetSecretValue: GOOD });
  const environment = shared("default-credentials");
  expectTold(await lookAt(fake, { environment, config: { region: undefined }, canaries }), "online");
  expect(fake.came[0]?.region).toBe("eu-central-1");
});

test.each([
  ["STS: nobody listens", refusedPort],
  ["STS: nobody answers a packet", blackHole],
])("%s", async (_fault, open) => {
  await using fake = await fakeAws({ GetSecretValue: GOOD });
  await using shut = await open();
  const started = performance.now();
  const environment = { ...irsa(), AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${shut.port}` };
  const report = await lookAt(fake, { environment, canaries });
  expect(performance.now() - started).toBeLessThan(5000);
  expectTold(report, rejected);
  expect(letterOf(report).replaceAll(folder, "/FOLDER")).toMatchSnapshot();
});

test("an identity that is late for the stage alone", async () => {
  await using fake = await fakeAws({ AssumeRoleWithWebIdentity: { silent: true } });
  const report = await lookAt(fake, { environment: irsa(), canaries, timeoutMs: 700 });
  expectTold(report, unreachable("store_timeout"));
  expect(letterOf(report)).toMatchSnapshot();
});

test("where no metadata service answers, that there is no identity is told within 2 s", async () => {
  await using fake = await fakeAws({});
  await using hole = await blackHole();
  const started = performance.now();
  const environment = {
    HOME: "/nonexistent",
    AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${hole.port}`,
  };
  const report = await lookAt(fake, { environment });
  expect(performance.now() - started).toBeLessThan(2000);
  expectTold(report, rejected);
  expect(letterOf(report)).toMatchSnapshot();
});

/** A store of IRSA's identity, with a clock that a test may turn. */
function turned(fake: FakeAws): { store: SecretStore<AwsRef>; clock: Clock & { ahead: number } } {
  const clock = { ...systemClock, ahead: 0, now: () => Date.now() + clock.ahead };
  const where = { ...place({ AWS_ENDPOINT_URL_STS: fake.url, ...irsa() }), clock };
  const config = aws.config.parse({ region: "eu-central-1", endpoint: fake.url });
  return { store: aws.open(settings(config), where), clock };
}

const { signal } = new AbortController();

test("an identity is fetched once for all who wait, and kept", async () => {
  await using fake = await fakeAws({
    AssumeRoleWithWebIdentity: stsKeys("AssumeRoleWithWebIdentity", SESSION),
    GetSecretValue: GOOD,
  });
  const { store } = turned(fake);
  await Promise.all(Array.from({ length: 50 }, (_, index) => store.read({ id: `orders/${index}` }, signal)));
  await store.read({ id: "orders" }, signal);
  expect(fake.asked().filter((operation) => operation === "AssumeRoleWithWebIdentity").length).toBe(1);
  expect(fake.asked().length).toBe(52);
  await store.close?.();
});

test("it is renewed before its end, and kept where renewing fails while it is good", async () => {
  let answer = stsKeys("AssumeRoleWithWebIdentity", SESSION);
  await using fake = await fakeAws({ AssumeRoleWithWebIdentity: () => answer, GetSecretValue: GOOD });
  const { store, clock } = turned(fake);
  const asked = () => fake.asked().filter((operation) => operation.startsWith("Assume")).length;
  await store.read({ id: "orders" }, signal);
  clock.ahead = 54 * 60_000;
  await store.read({ id: "orders" }, signal);
  expect(asked()).toBe(1);
  answer = stsError("InternalFailure", "oops", 500);
  clock.ahead = 56 * 60_000;
  await store.read({ id: "orders" }, signal);
  await vi.waitFor(() => expect(asked()).toBe(2));
  clock.ahead = 60 * 60_000;
  await expect(store.read({ id: "orders" }, signal)).rejects.toMatchObject({
    reason: "store_identity_rejected",
  });
  answer = stsKeys("AssumeRoleWithWebIdentity", { ...SESSION, endsAt: new Date(Date.now() + 2 * 3_600_000) });
  await store.read({ id: "orders" }, signal);
  expect(asked()).toBe(4);
  clock.ahead = 116 * 60_000;
  answer = { silent: true };
  const started = performance.now();
  await store.read({ id: "orders" }, signal);
  expect(performance.now() - started, "nobody waits while the old keys are good").toBeLessThan(1000);
  await store.close?.();
});

test("a session that is withdrawn is made anew at once", async () => {
  const sessions = ["ASIAIOSFODNN7FRST", "ASIAIOSFODNN7SCND"];
  let made = 0;
  await using fake = await fakeAws({
    AssumeRoleWithWebIdentity: () =>
      stsKeys("AssumeRoleWithWebIdentity", { ...SESSION, accessKeyId: sessions[made++] ?? "" }),
    GetSecretValue: ({ accessKeyId }) =>
      accessKeyId === sessions[0] && fake.came.length > 2 ? error("ExpiredTokenException", "no") : GOOD,
  });
  const { store } = turned(fake);
  await store.read({ id: "orders" }, signal);
  await store.read({ id: "orders" }, signal);
  expect(fake.asked().slice(2)).toEqual(["GetSecretValue", "AssumeRoleWithWebIdentity", "GetSecretValue"]);
  await store.close?.();
});

test("whoever waits leaves at his own deadline", async () => {
  await using fake = await fakeAws({ AssumeRoleWithWebIdentity: { silent: true } });
  const { store } = turned(fake);
  const started = performance.now();
  const late = AbortSignal.timeout(100);
  await expect(store.read({ id: "orders" }, late)).rejects.toMatchObject({ reason: "store_timeout" });
  expect(performance.now() - started).toBeLessThan(1000);
  await store.close?.();
});
