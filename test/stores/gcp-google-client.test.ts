import { SecretManagerServiceClient } from "@google-cloud/secret-manager";
import { credentials } from "@grpc/grpc-js";
import { OAuth2Client } from "google-auth-library";
import { describe, expect, test, vi } from "vitest";
import { httpServer } from "../fake/secure.ts";
import { FakeSecretManager } from "./gcp/fake-secret-manager.ts";
import { CREATED, NAME, PASSWORD, secret, version } from "./gcp/looking.ts";
import type { Refusal } from "./gcp/protos.ts";
import { grpc, rest } from "./gcp/wires.ts";

/**
 * The fake that the other suites ask speaks as Google does: Google's own client understands it, over gRPC and over
 * REST, and both say the same.
 */

const TOKEN = "a-token";

// It would look for a metadata server otherwise, and nothing here goes beyond this machine.
vi.stubEnv("METADATA_SERVER_DETECTION", "none");

async function withClients(
  manager: FakeSecretManager,
  use: (client: SecretManagerServiceClient) => Promise<unknown>,
): Promise<readonly unknown[]> {
  manager.tokens.add(TOKEN);
  await using overGrpc = await grpc(manager);
  await using overRest = await httpServer(rest(manager));
  const authClient = new OAuth2Client();
  authClient.setCredentials({ access_token: TOKEN });
  const universe = "googleapis.com";
  const at = (port: number) => ({
    apiEndpoint: "127.0.0.1",
    port,
    projectId: "shop",
    universe_domain: universe,
  });
  // A channel without TLS carries no login of the client's own: it is given with each call.
  const clients = [
    new SecretManagerServiceClient({ ...at(overGrpc.port), sslCreds: credentials.createInsecure() }),
    new SecretManagerServiceClient({
      ...at(overRest.port),
      fallback: true,
      protocol: "http",
      authClient,
    }),
  ];
  const outcomes = [];
  for (const client of clients) {
    outcomes.push(await use(client));
    await client.close();
  }
  return outcomes;
}

const call = {
  retry: null,
  timeout: 5000,
  otherArgs: { headers: { authorization: `Bearer ${TOKEN}` } },
} as never;

interface GoogleError {
  readonly code: number;
  readonly reason?: string;
  readonly errorInfoMetadata?: object;
}

test("a value, a secret, a version and a list are read", async () => {
  const manager = new FakeSecretManager();
  manager.secrets.set(
    NAME,
    secret({ labels: { team: "shop" }, expires: CREATED, versions: [version(), version()] }),
  );
  const both = await withClients(manager, async (client) => {
    const [value] = await client.accessSecretVersion({ name: `${NAME}/versions/latest` }, call);
    const [whole] = await client.getSecret({ name: NAME }, call);
    const [newest] = await client.getSecretVersion({ name: `${NAME}/versions/latest` }, call);
    const [all] = await client.listSecrets({ parent: "projects/shop" }, call);
    return {
      version: value.name,
      text: Buffer.from(value.payload?.data as Uint8Array).toString(),
      sum: String(value.payload?.dataCrc32c),
      labels: whole.labels,
      expires: Number(whole.expireTime?.seconds),
      created: Number(newest.createTime?.seconds),
      names: all.map(({ name }) => name),
    };
  });
  expect(both[0]).toEqual(both[1]);
  expect(both[0]).toMatchObject({
    version: "projects/4711/secrets/orders-db/versions/2",
    sum: version().crc32c,
    labels: { team: "shop" },
    expires: CREATED,
    created: CREATED,
    names: ["projects/4711/secrets/orders-db"],
  });
  expect(JSON.stringify(both)).toContain(PASSWORD);
});

describe("a refusal", () => {
  const info = (reason: string, metadata: Record<string, string> = {}) => ({
    reason,
    domain: "googleapis.com",
    metadata,
  });
  const refusals: readonly Refusal[] = [
    { code: "NOT_FOUND", message: "Secret [x] not found." },
    { code: "FAILED_PRECONDITION", message: "Secret Version [x] is in DISABLED state." },
    { code: "INVALID_ARGUMENT", message: "x" },
    {
      code: "PERMISSION_DENIED",
      message: "x",
      info: info("SERVICE_DISABLED", { consumer: "projects/4711" }),
    },
    {
      code: "PERMISSION_DENIED",
      message: "x",
      info: info("SECURITY_POLICY_VIOLATED", { uid: "u" }),
      violation: "u",
    },
    { code: "UNAUTHENTICATED", message: "x", info: info("ACCESS_TOKEN_EXPIRED") },
    { code: "RESOURCE_EXHAUSTED", message: "x", info: info("RATE_LIMIT_EXCEEDED"), retry: 30 },
    { code: "UNAVAILABLE", message: "x" },
    { code: "INTERNAL", message: "x" },
    { code: "DEADLINE_EXCEEDED", message: "x" },
  ];

  test.each(refusals)("$code $info.reason", async (refusal) => {
    const manager = new FakeSecretManager();
    manager.refuses = () => refusal;
    const both = await withClients(manager, async (client) => {
      try {
        await client.accessSecretVersion({ name: `${NAME}/versions/latest` }, call);
        return "it was read";
      } catch (error) {
        const { code, reason, errorInfoMetadata } = error as GoogleError;
        return { code, reason, metadata: { ...errorInfoMetadata } };
      }
    });
    expect(both[0]).toEqual(both[1]);
    expect(both[0]).toMatchObject({ reason: refusal.info?.reason, metadata: { ...refusal.info?.metadata } });
  });
});
