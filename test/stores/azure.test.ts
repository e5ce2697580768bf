import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { azure } from "../../src/connector/secrets/azure.ts";
import { settings } from "../fake/secret.ts";
import { blackHole, refusedPort, silent } from "../fake/targets.ts";
import { dnsServer, resolvConf } from "../fake/dns.ts";
import {
  bundle,
  CANARY,
  CLIENT,
  Cloud,
  entraFault,
  fault,
  type Looking,
  OBJECT,
  OLDER,
  TENANT,
  VAULT_HOST,
  VERSION,
} from "./azure/cloud.ts";
import { expectTold } from "./row.ts";

let cloud: Cloud;
beforeAll(async () => {
  cloud = await Cloud.open();
});
afterAll(() => cloud[Symbol.asyncDispose]());

const SECRET = "/secrets/orders-db";
const VERSIONS = `${SECRET}/versions`;

type Told = Parameters<typeof expectTold>[1];

/** One row: what the vault and the authority answer is set before. */
async function row(told: Told, ref: object = {}, wish: Looking = {}): Promise<void> {
  const report = await cloud.look(ref, wish);
  expectTold(report, told);
  expect(cloud.letter(report)).toMatchSnapshot();
}

const notFound = ["secret_unreachable", "secret", "secret_not_found"] as const;
const forbidden = ["secret_unreachable", "secret", "secret_forbidden"] as const;
const rejected = ["secret_unreachable", "secret", "store_identity_rejected"] as const;
const disabled = ["secret_unreachable", "secret", "secret_disabled"] as const;
const untagged = ["secret_unreachable", "secret", "secret_not_tagged"] as const;
const unreachable = ["secret_unreachable", "secret", "store_unreachable"] as const;
const limited = ["secret_unreachable", "secret", "store_rate_limited"] as const;

function listOf(...versions: readonly { id: string; created: number; enabled?: boolean; tags?: object }[]) {
  const value = versions.map(({ id, created, enabled = true, tags }) => ({
    id: `https://${VAULT_HOST}${SECRET}/${id}`,
    attributes: { enabled, created },
    ...(tags === undefined ? {} : { tags }),
  }));
  return { status: 200, body: { value, nextLink: null } };
}

describe("identities", () => {
  test("federated token of the environment", async () => {
    cloud.set({ [SECRET]: bundle() });
    expectTold(await cloud.look({}, { environment: await cloud.federated() }), "online");
    expect(cloud.asked()).toEqual([`${SECRET} (no token)`, `entra /${TENANT}/oauth2/v2.0/token`, SECRET]);
    const form = Object.fromEntries(cloud.forms()[0] ?? []);
    expect(form).toMatchObject({
      client_id: CLIENT,
      grant_type: "client_credentials",
      scope: "https://vault.azure.net/.default",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    });
  });
  test("client secret, and the tenant that the vault names", async () => {
    cloud.set({ [SECRET]: bundle() });
    const { tenantId: _, ...config } = await cloud.withSecret();
    expectTold(await cloud.look({}, { config }), "online");
    expect(cloud.asked()).toContain(`entra /${TENANT}/oauth2/v2.0/token`);
    expect(cloud.forms()[0]?.get("client_secret")).toBe(CANARY.secret);
  });
  test("managed identity of the machine", async () => {
    cloud.set({ [SECRET]: bundle() });
    const environment = { AZURE_POD_IDENTITY_AUTHORITY_HOST: cloud.managed };
    expectTold(await cloud.look({}, { environment }), "online");
    expect(cloud.asked()).toContain("managed /metadata/identity/oauth2/token https://vault.azure.net");
  });
  test("managed identity of an app, by its client id", async () => {
    cloud.set({ [SECRET]: bundle() });
    const environment = { IDENTITY_ENDPOINT: `${cloud.managed}/msi/token`, IDENTITY_HEADER: CANARY.header };
    expectTold(await cloud.look({}, { environment, config: { clientId: CLIENT } }), "online");
    expect(cloud.asked()).toContain(`managed /msi/token https://vault.azure.net ${CLIENT}`);
  });
  test("the federated token comes before all others", async () => {
    cloud.set({ [SECRET]: bundle() });
    const environment = {
      ...(await cloud.federated()),
      IDENTITY_ENDPOINT: cloud.managed,
      IDENTITY_HEADER: "x",
    };
    expectTold(await cloud.look({}, { environment, config: await cloud.withSecret() }), "online");
    expect(cloud.forms()[0]?.has("client_assertion")).toBe(true);
  });
  test("a token is asked for once by many, and anew once it is refused", async () => {
    cloud.set({ [SECRET]: bundle() });
    const where = cloud.place();
    const ca = `${cloud.directory}/ca.pem`;
    const store = azure.open(settings(azure.config.parse(await cloud.withSecret()), { ca }), where);
    const ref = { vault: cloud.vault, name: "orders-db" };
    const signal = AbortSignal.timeout(5000);
    await Promise.all([1, 2, 3, 4, 5].map(() => store.read(ref, signal)));
    const grants = () => cloud.asked().filter((line) => line.startsWith("entra ")).length;
    expect(grants()).toBe(1);
    const again = { status: 200, body: { expires_in: 3599, access_token: "cnry.second" } };
    cloud.set({ [SECRET]: bundle() }, { token: "cnry.second", entra: again });
    await store.read(ref, signal);
    expect(grants()).toBe(1);
    await store.close?.();
  });
});

describe("an identity that is not taken", () => {
  const assertion = "No matching federated identity record found for presented assertion";
  const federated: Record<string, ReturnType<typeof entraFault>> = {
    "no federated credential (70021)": entraFault(70021, "invalid_request", `${assertion}.`, 400),
    "no federated credential for the subject (700213)": entraFault(
      700213,
      "invalid_client",
      `${assertion} subject 'x'.`,
    ),
    "no federated credential for the issuer (700211)": entraFault(
      700211,
      "invalid_client",
      `${assertion} issuer 'x'.`,
    ),
    "application unknown (700016)": entraFault(
      700016,
      "unauthorized_client",
      "Application with identifier 'x' was not found in the directory 'y'.",
      400,
    ),
    "tenant unknown (90002)": entraFault(90002, "invalid_request", "Tenant 'x' not found.", 400),
    "application disabled (7000112)": entraFault(
      7000112,
      "unauthorized_client",
      "Application 'x' is disabled.",
    ),
    "token of an unknown key (700027)": entraFault(
      700027,
      "invalid_client",
      "Client assertion failed signature validation.",
    ),
    "a code that is not known here": entraFault(7777777, "invalid_client", "cnry-prose-of-the-server"),
  };
  test.each(Object.entries(federated))("%s", async (_name, entra) => {
    cloud.set({ [SECRET]: bundle() }, { entra });
    await row(rejected, {}, { environment: await cloud.federated(), canaries: ["cnry-prose-of-the-server"] });
  });
  test("token not valid at this time (700024), and a clock that is off", async () => {
    const entra = entraFault(
      700024,
      "invalid_client",
      "Client assertion is not within its valid time range.",
    );
    const late = { ...entra, headers: { date: new Date(Date.now() - 7_260_000).toUTCString() } };
    const environment = await cloud.federated();
    cloud.set({}, { entra });
    await row(rejected, {}, { environment });
    cloud.set({}, { entra: late });
    await row(rejected, {}, { environment });
  });
  test("client secret wrong (7000215)", async () => {
    cloud.set({}, { entra: entraFault(7000215, "invalid_client", "Invalid client secret provided.") });
    await row(rejected);
  });
  test("client secret expired (7000222)", async () => {
    cloud.set(
      {},
      { entra: entraFault(7000222, "invalid_client", "The provided client secret keys are expired.") },
    );
    await row(rejected);
  });
  test("client secret's file absent", async () => {
    cloud.set({});
    await row(
      rejected,
      {},
      { config: { ...(await cloud.withSecret()), clientSecretFile: `${cloud.directory}/0/token` } },
    );
  });
  test("no client id", async () => {
    cloud.set({});
    const { clientId: _, ...config } = await cloud.withSecret();
    await row(rejected, {}, { config });
  });
  test("an authority of the environment without TLS: nothing is sent", async () => {
    cloud.set({});
    const environment = { ...(await cloud.federated()), AZURE_AUTHORITY_HOST: "http://login.example.org" };
    await row(rejected, {}, { environment });
  });
  test("no managed identity assigned", async () => {
    const managed = {
      status: 400,
      body: { error: "invalid_request", error_description: "Identity not found" },
    };
    cloud.set({}, { managed });
    await row(rejected, {}, { environment: { AZURE_POD_IDENTITY_AUTHORITY_HOST: cloud.managed } });
  });
  test("no identity anywhere", async () => {
    await using target = await refusedPort();
    cloud.set({});
    const host = `http://127.0.0.1:${target.port}`;
    await row(rejected, {}, { environment: { AZURE_POD_IDENTITY_AUTHORITY_HOST: host } });
  });
  test("a vault of another tenant", async () => {
    cloud.set({}, { token: "another" });
    const config = { ...(await cloud.withSecret()), tenantId: "99999999-2222-4333-8444-555555555555" };
    await row(rejected, {}, { config });
  });
  test("a token that the vault does not take", async () => {
    cloud.set({}, { token: "another" });
    await row(rejected);
  });
  test("the authority throttles", async () => {
    cloud.set({}, { entra: { status: 429, body: {}, headers: { "retry-after": "31" } } });
    await row(limited);
  });
  test("the authority fails", async () => {
    cloud.set({}, { entra: { status: 503, body: "<html>" } });
    await row(unreachable);
  });
  test("the authority refuses the connection", async () => {
    await using target = await refusedPort();
    cloud.set({});
    await row(
      unreachable,
      {},
      { config: { ...(await cloud.withSecret()), authority: `http://127.0.0.1:${target.port}` } },
    );
  });
});

describe("the vault", () => {
  test("a name that does not resolve", async () => {
    await using dns = await dnsServer({});
    await using conf = await resolvConf({ nameservers: [dns.address] });
    cloud.set({});
    const environment = { MOORING_RESOLV_CONF: conf.path };
    await row(
      unreachable,
      { vault: "https://order-kv.vault.azure.net" },
      { environment, config: await cloud.withSecret() },
    );
  });
  test("refused", async () => {
    await using target = await refusedPort();
    await row(unreachable, { vault: `https://127.0.0.1:${target.port}` });
  });
  test("a certificate of nobody's", async () => {
    cloud.set({});
    const where = cloud.place();
    const store = azure.open(settings(azure.config.parse(await cloud.withSecret())), where);
    await row(unreachable, {}, { opened: store });
    await store.close?.();
  });
  test("another server than Key Vault", async () => {
    cloud.set({ [SECRET]: { status: 404, body: "<html>not here</html>" } });
    await row(unreachable);
  });
  test("a host that wants a token for another domain", async () => {
    cloud.set({});
    await using server = await cloud.twin("stray-kv.example.org");
    await row(unreachable, { vault: server.vault });
    expect(cloud.asked().some((line) => line.startsWith("entra"))).toBe(false);
  });
  test("its own failure", async () => {
    cloud.set({ [SECRET]: fault(500, "InternalServerError", "cnry") });
    await row(unreachable);
  });
  test("throttles", async () => {
    const body = fault(
      429,
      "Throttled",
      "Request was not processed because too many requests were received.",
    );
    cloud.set({ [SECRET]: { ...body, headers: { "retry-after": "7" } } });
    await row(limited);
  });
  const slow = ["secret_unreachable", "secret", "store_timeout"] as const;
  test("silent", async () => {
    await using target = await silent();
    await row(slow, { vault: `http://127.0.0.1:${target.port}` }, { timeoutMs: 500 });
  });
  test("a black hole", async () => {
    await using target = await blackHole();
    await row(slow, { vault: `http://127.0.0.1:${target.port}` }, { timeoutMs: 500 });
  });
});

describe("the secret", () => {
  const caller = `Caller: appid=${CLIENT};oid=${OBJECT};iss=https://sts.windows.net/${TENANT}/`;
  const scope = `/subscriptions/${TENANT}/resourcegroups/shop-rg/providers/microsoft.keyvault/vaults/orders-kv/secrets/orders-db`;
  test("is read", async () => {
    cloud.set({ [SECRET]: bundle() });
    expectTold(await cloud.look(), "online");
  });
  test("not found, and one that is near", async () => {
    const value = ["orders-db", "billing-db"].map((name) => ({
      id: `https://${VAULT_HOST}/secrets/${name}`,
    }));
    cloud.set({ "/secrets": { status: 200, body: { value } } });
    await row(notFound, { name: "order-db" });
  });
  test("not found, and no right to list", async () => {
    cloud.set({ "/secrets": fault(403, "Forbidden", "no", "ForbiddenByRbac") });
    await row(notFound, { name: "order-db" });
  });
  test("deleted, and recoverable", async () => {
    const body = {
      recoveryId: `https://${VAULT_HOST}/deletedsecrets/orders-db`,
      deletedDate: 1_700_000_000,
      scheduledPurgeDate: 1_800_000_000,
    };
    cloud.set({ "/deletedsecrets/orders-db": { status: 200, body } });
    await row(disabled);
  });
  test("version not found", async () => {
    cloud.set({ [VERSIONS]: listOf({ id: VERSION, created: 5 }) });
    await row(notFound, { version: "ffffffffffffffffffffffffffffffff" });
  });
  test("a name that the vault does not take", async () => {
    cloud.set({
      [SECRET]: fault(400, "BadParameter", "The request URI contains an invalid name: orders-db"),
    });
    await row(notFound);
  });
  test("disabled", async () => {
    cloud.set({
      [SECRET]: fault(
        403,
        "Forbidden",
        "Operation get is not allowed on a disabled secret.",
        "SecretDisabled",
      ),
    });
    await row(disabled);
  });
  test("not valid yet, by its attributes", async () => {
    cloud.set({ [SECRET]: bundle({ attributes: { nbf: 4_102_444_800 } }) });
    await row(disabled);
  });
  test("not valid yet, and expired, as a refusal", async () => {
    cloud.set({
      [SECRET]: fault(
        403,
        "Forbidden",
        "Operation get is not allowed on a secret that is not yet valid.",
        "SecretNotYetValid",
      ),
    });
    await row(disabled);
    cloud.set({ [SECRET]: fault(403, "Forbidden", "Operation get is not allowed on an expired secret.") });
    await row(disabled);
  });
  test("expired and still given: a warning", async () => {
    cloud.set({ [SECRET]: bundle({ attributes: { exp: 1_700_000_000 } }) });
    const report = await cloud.look();
    expect([report.state, report.reason]).toEqual(["warning", "secret_expiring"]);
    expect(cloud.letter(report)).toMatchSnapshot();
  });
  test("an old version is pinned: a warning", async () => {
    cloud.set({
      [`${SECRET}/${OLDER}`]: bundle({ id: OLDER }),
      [VERSIONS]: listOf({ id: OLDER, created: 1 }, { id: VERSION, created: 2 }),
    });
    const report = await cloud.look({ version: OLDER });
    expect([report.state, report.reason]).toEqual(["warning", "secret_stale"]);
    expect(cloud.letter(report)).toMatchSnapshot();
  });
  test("the newest that can be read is pinned: none is newer, whatever else the list holds", async () => {
    cloud.set({
      [`${SECRET}/${VERSION}`]: bundle(),
      [VERSIONS]: listOf(
        { id: OLDER, created: 1 },
        { id: VERSION, created: 2 },
        { id: "a0", created: 3, enabled: false },
      ),
    });
    expectTold(await cloud.look({ version: VERSION }), "online");
    cloud.set({ [`${SECRET}/${VERSION}`]: bundle(), [VERSIONS]: listOf({ id: OLDER, created: 1 }) });
    expectTold(await cloud.look({ version: VERSION }), "online");
  });
  test("a vault is a host: with a path, the name that people and the policy know would be another secret's", () => {
    for (const vault of ["https://a.vault.azure.net/secrets/other", "https://a.vault.azure.net/x/../y"])
      expect(azure.ref.safeParse({ vault, name: "n" }).success).toBe(false);
    expect(azure.ref.safeParse({ vault: "https://a.vault.azure.net/", name: "n" }).success).toBe(true);
  });
  test("an end that no calendar has is none", async () => {
    cloud.set({ [SECRET]: bundle({ attributes: { exp: 9e15, created: -1 } }) });
    expectTold(await cloud.look(), "online");
  });
  test("no role (ForbiddenByRbac)", async () => {
    const words = `Caller is not authorized to perform action on resource.\r\n${caller}\r\nAction: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\nResource: '${scope}'\r\nAssignment: (not found)\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: orders-kv;location=westeurope\r\n`;
    cloud.set({ [SECRET]: fault(403, "Forbidden", words, "ForbiddenByRbac") });
    await row(forbidden);
  });
  test("no role, and nobody says who we are", async () => {
    cloud.set({
      [SECRET]: fault(
        403,
        "Forbidden",
        "Caller is not authorized to perform action on resource.",
        "ForbiddenByRbac",
      ),
    });
    await row(forbidden);
  });
  test("no access policy (ForbiddenByPolicy)", async () => {
    const words = `The user, group or application 'appid=${CLIENT};oid=${OBJECT};iss=https://sts.windows.net/${TENANT}/' does not have secrets get permission on key vault 'orders-kv;location=westeurope'.`;
    cloud.set({ [SECRET]: fault(403, "Forbidden", words, "ForbiddenByPolicy") });
    await row(forbidden);
  });
  test("the vault's firewall (ForbiddenByFirewall), with the address to allow", async () => {
    const words = `Client address is not authorized and caller is not a trusted service.\r\nClient address: 20.31.4.17\r\n${caller}\r\nVault: orders-kv;location=westeurope`;
    cloud.set({ [SECRET]: fault(403, "Forbidden", words, "ForbiddenByFirewall") });
    await row(forbidden);
    cloud.set({
      [SECRET]: fault(403, "Forbidden", words.replace("20.31.4.17", "999.1; rm"), "ForbiddenByFirewall"),
    });
    await row(forbidden);
  });
  test("by its private endpoint alone (ForbiddenByConnection)", async () => {
    const words =
      "Public network access is disabled and request is not from a trusted service nor via an approved private link.";
    cloud.set({ [SECRET]: fault(403, "Forbidden", words, "ForbiddenByConnection") });
    await row(forbidden);
  });
  test("plain text, where the type takes one field", async () => {
    cloud.set({
      [SECRET]: {
        status: 200,
        body: { value: CANARY.value, id: `https://${VAULT_HOST}${SECRET}/${VERSION}` },
      },
    });
    expectTold(await cloud.look({}, { shapes: [["token"]] }), "online");
    await row(["secret_invalid", "secret", "secret_unparsable"]);
  });
});

describe("the opt-in gate", () => {
  const optIn = true;
  test("the tags are looked at before the value", async () => {
    cloud.set({ [SECRET]: bundle(), [VERSIONS]: listOf({ id: VERSION, created: 2 }) });
    await row(untagged, {}, { optIn });
    expect(cloud.asked()).not.toContain(SECRET);
  });
  test("the newest version's tags count", async () => {
    const tags = { "mooring-connector-read": "true" };
    cloud.set({
      [SECRET]: bundle({ tags }),
      [VERSIONS]: listOf({ id: OLDER, created: 1 }, { id: VERSION, created: 2, tags }),
    });
    expectTold(await cloud.look({}, { optIn }), "online");
  });
  test("an alias counts", async () => {
    const tags = { "apono-connector-read": "true" };
    cloud.set({ [SECRET]: bundle({ tags }), [VERSIONS]: listOf({ id: VERSION, created: 2, tags }) });
    expectTold(await cloud.look({}, { optIn }), "online");
  });
  test("without the right to list, the tags come with the value and it is not used", async () => {
    cloud.set({ [SECRET]: bundle(), [VERSIONS]: fault(403, "Forbidden", "no", "ForbiddenByRbac") });
    await row(untagged, {}, { optIn });
    expect(cloud.asked()).toContain(SECRET);
  });
  test("a secret that is not there is told so", async () => {
    cloud.set({});
    await row(notFound, {}, { optIn });
  });
});
