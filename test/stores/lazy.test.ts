import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { fakeAws } from "./aws/fake-aws.ts";
import { GOOD } from "./aws/looking.ts";

const SCRIPT = fileURLToPath(new URL("loaded.ts", import.meta.url));

/** The client packages of each store, by the beginning of their names. */
const CLIENTS = {
  aws: /^@aws-sdk\/|^@smithy\//,
  gcp: /^@google-cloud\/|^google-|^@grpc\/|^protobufjs$/,
  kubernetes: /^@kubernetes\//,
} as const;

interface Loaded {
  readonly idle: readonly string[];
  readonly read: readonly string[];
  readonly told: string;
}

async function loaded(store: string, at?: string): Promise<Loaded> {
  // As the image runs: no code from strings.
  const args = ["--disallow-code-generation-from-strings", SCRIPT, store];
  const env = { ...process.env, ...(at === undefined ? {} : { AT: at }) };
  const { stdout } = await promisify(execFile)(process.execPath, args, { env });
  return JSON.parse(stdout) as Loaded;
}

function clientsIn(packages: readonly string[]): string[] {
  const patterns = Object.entries(CLIENTS);
  return patterns
    .filter(([, pattern]) => packages.some((name) => pattern.test(name)))
    .map(([store]) => store);
}

test("no store's client is loaded by a connector that reads no secret of that store", async () => {
  const { idle } = await loaded("");
  expect(idle).toContain("zod");
  expect(clientsIn(idle)).toEqual([]);
});

test("the first read of a store loads its client and no other, without code from strings: aws", async () => {
  await using fake = await fakeAws({ GetSecretValue: GOOD });
  const { idle, read, told } = await loaded("aws", fake.url);
  expect([clientsIn(idle), clientsIn(read), told]).toEqual([[], ["aws"], "read"]);
  // What only some identities need is left out as well.
  expect(read).not.toContain("@aws-sdk/credential-provider-sso");
});
