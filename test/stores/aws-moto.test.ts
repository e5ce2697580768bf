import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Report } from "../../src/protocol/report.ts";
import { type Moto, startMoto } from "./aws/moto.ts";
import { canary, KEYS, type Look, lookAt, PASSWORD, USERNAME } from "./aws/looking.ts";
import { expectTold, letterOf, type Told } from "./row.ts";

/** The real flow, against moto's Secrets Manager and STS. moto judges no rights: what those say is in aws.test.ts. */
let moto: Moto | undefined;
let folder = "";
const ids: Record<"first" | "second", string> = { first: "", second: "" };
const OLD = canary("old-password");
const text = (password: string) => JSON.stringify({ username: USERNAME, password });

function writer(region: string): SecretsManagerClient {
  const credentials = { accessKeyId: "writer", secretAccessKey: "writer" };
  return new SecretsManagerClient({ region, endpoint: moto?.url ?? "", credentials });
}

beforeAll(async () => {
  moto = await startMoto();
  folder = await mkdtemp(join(tmpdir(), "mooring-moto-"));
  await writeFile(join(folder, "token"), canary("web-token"));
  const here = writer("eu-central-1");
  const Tags = [{ Key: "mooring-connector-read", Value: "true" }];
  const first = await here.send(
    new CreateSecretCommand({ Name: "prod/orders-db", SecretString: text(OLD), Tags }),
  );
  const second = await here.send(
    new PutSecretValueCommand({ SecretId: "prod/orders-db", SecretString: text(PASSWORD) }),
  );
  ids.first = first.VersionId ?? "";
  ids.second = second.VersionId ?? "";
  await here.send(new CreateSecretCommand({ Name: "prod/untagged", SecretString: text(PASSWORD) }));
  await here.send(new CreateSecretCommand({ Name: "prod/valueless" }));
  const bytes = Buffer.from(text(PASSWORD));
  await here.send(new CreateSecretCommand({ Name: "prod/bytes", SecretBinary: bytes }));
  await here.send(new CreateSecretCommand({ Name: "prod/deleted", SecretString: text(PASSWORD) }));
  await here.send(new DeleteSecretCommand({ SecretId: "prod/deleted", RecoveryWindowInDays: 7 }));
  const there = writer("us-east-1");
  await there.send(new CreateSecretCommand({ Name: "prod/elsewhere", SecretString: text(PASSWORD) }));
  here.destroy();
  there.destroy();
});

afterAll(async () => {
  await moto?.[Symbol.asyncDispose]();
  if (folder !== "") await rm(folder, { recursive: true });
});

function look(id: string, more: Look = {}): Promise<Report> {
  return lookAt({ url: moto?.url ?? "" }, { ref: { id }, ...more, canaries: [OLD] });
}

/** Ids and times that moto makes up. */
function golden(report: Report): string {
  const date = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g;
  return letterOf(report)
    .replaceAll(ids.first, "FIRST")
    .replaceAll(ids.second, "SECOND")
    .replaceAll(date, "TIME");
}

const unreachable = (reason: Exclude<Told, "online">[2]): Told => ["secret_unreachable", "secret", reason];

test("the current version, by name and by ARN", async () => {
  expectTold(await look("prod/orders-db"), "online");
  const near = await look("arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/orders-db-AAAAAA");
  expectTold(near, unreachable("secret_not_found"));
  const [, arn = ""] = /near it: (arn:[^\s,]+orders-db-\w{6})/.exec(near.cause ?? "") ?? [];
  expectTold(await look(arn), "online");
});

test("a stage, and a version that is pinned and old", async () => {
  expectTold(await look("prod/orders-db", { ref: { id: "prod/orders-db", stage: "AWSPREVIOUS" } }), "online");
  expectTold(await look("prod/orders-db", { ref: { id: "prod/orders-db", version: ids.second } }), "online");
  const old = await look("prod/orders-db", { ref: { id: "prod/orders-db", version: ids.first } });
  expect([old.state, old.reason]).toEqual(["warning", "secret_stale"]);
  expect(golden(old)).toMatchSnapshot();
});

test("the gate", async () => {
  expectTold(await look("prod/orders-db", { optIn: true }), "online");
  const untagged = await look("prod/untagged", { optIn: true });
  expectTold(untagged, unreachable("secret_not_tagged"));
});

test("bytes that are text", async () => {
  expectTold(await look("prod/bytes"), "online");
});

test.each<[fault: string, look: () => Promise<Report>, told: Told]>([
  ["a slip of the pen", () => look("prod/order-db"), unreachable("secret_not_found")],
  ["another case", () => look("Prod/Orders-DB"), unreachable("secret_not_found")],
  ["another word for the environment", () => look("production/orders-db"), unreachable("secret_not_found")],
  [
    "another region of the store's",
    () => look("prod/elsewhere", { config: { regions: ["eu-west-1", "us-east-1"] } }),
    unreachable("secret_region_mismatch"),
  ],
  ["scheduled for deletion", () => look("prod/deleted"), unreachable("secret_disabled")],
  ["no value", () => look("prod/valueless"), unreachable("secret_not_found")],
  [
    "a version that is not there",
    () => look("", { ref: { id: "prod/orders-db", version: "99999999-2222-3333-4444-555555555555" } }),
    unreachable("secret_not_found"),
  ],
  [
    "a label that is not there",
    () => look("", { ref: { id: "prod/orders-db", stage: "BLUE" } }),
    unreachable("secret_not_found"),
  ],
])("%s", async (_fault, looking, told) => {
  const report = await looking();
  expectTold(report, told);
  expect(golden(report)).toMatchSnapshot();
});

test("with the keys of a web identity's role, and of a role that it assumes", async () => {
  const environment = {
    AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/mooring",
    AWS_WEB_IDENTITY_TOKEN_FILE: join(folder, "token"),
    AWS_ENDPOINT_URL_STS: moto?.url ?? "",
    HOME: "/nonexistent",
  };
  expectTold(await look("prod/orders-db", { environment }), "online");
  const config = { roleArn: "arn:aws:iam::123456789012:role/orders-reader", externalId: "shared-42" };
  expectTold(await look("prod/orders-db", { environment, config }), "online");
  const keys = { ...KEYS, AWS_ENDPOINT_URL_STS: moto?.url ?? "" };
  expectTold(await look("prod/orders-db", { environment: keys, config }), "online");
});
