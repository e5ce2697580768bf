import { expect, test } from "vitest";
import { aws } from "../../src/connector/secrets/aws.ts";
import type { ReasonCode } from "../../src/protocol/reasons.ts";
import { fixtures } from "../contract/subject.ts";
import { connectProxy } from "../fake/proxy.ts";
import { place, settings } from "../fake/secret.ts";
import { blackHole, closes, refusedPort, silent, speaks } from "../fake/targets.ts";
import {
  denied,
  description,
  error,
  fakeAws,
  PRINCIPAL,
  type Script,
  SECRET_ARN,
  value,
} from "./aws/fake-aws.ts";
import { canary, GOOD, KEYS, lookAt, type Look, PASSWORD, USERNAME } from "./aws/looking.ts";
import { expectTold, letterOf, type Told } from "./row.ts";

const GET = "secretsmanager:GetSecretValue";
const NOT_FOUND = error("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
const UNTAGGED = description({ Tags: [{ Key: "team", Value: "orders" }] });
const KEY = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const POLICY = "arn:aws:organizations::999988887777:policy/o-abcdefghij/service_control_policy/p-12345678";
const VERSION = "22222222-2222-3333-4444-555555555555";

interface Row {
  readonly fault: string;
  readonly script: Script;
  readonly look?: Look;
  readonly told: Told;
  /** The operations that were asked, and no others. */
  readonly asked?: readonly string[];
}

const unreachable = (reason: ReasonCode): Told => ["secret_unreachable", "secret", reason];
const deny = (why: string, resource = SECRET_ARN) =>
  error("AccessDeniedException", denied(GET, resource, why));

/** Each policy kind in AWS's words. */
const KINDS: readonly (readonly [fault: string, why: string])[] = [
  ["no resource policy", `because no resource-based policy allows the ${GET} action`],
  ["no service control policy", `because no service control policy allows the ${GET} action`],
  ["no resource control policy", `because no resource control policy allows the ${GET} action`],
  ["no session policy", `because no session policy allows the ${GET} action`],
  ["no permissions boundary", `because no permissions boundary allows the ${GET} action`],
  ["no VPC endpoint policy", `because no VPC endpoint policy allows the ${GET} action`],
  ["a deny in an identity policy", "with an explicit deny in an identity-based policy"],
  ["a deny in a resource policy", "with an explicit deny in a resource-based policy"],
  ["a deny in a service control policy", `with an explicit deny in a service control policy: ${POLICY}`],
  ["a deny in a resource control policy", "with an explicit deny in a resource control policy"],
  ["a deny in a session policy", "with an explicit deny in a session policy"],
  ["a deny in a permissions boundary", "with an explicit deny in a permissions boundary"],
  ["a deny in a VPC endpoint policy", "with an explicit deny in a VPC endpoint policy"],
];

const ROWS: readonly Row[] = [
  { fault: "nothing", script: { GetSecretValue: GOOD }, told: "online", asked: ["GetSecretValue"] },
  {
    fault: "nothing, with the gate",
    script: { DescribeSecret: description(), GetSecretValue: GOOD },
    look: { optIn: true },
    told: "online",
    asked: ["DescribeSecret", "GetSecretValue"],
  },
  {
    fault: "a name that is not there",
    script: {
      GetSecretValue: NOT_FOUND,
      ListSecrets: {
        body: {
          SecretList: ["dev/orders", "production/orders-db", "Prod/Orders-DB", "billing"].map((Name) => ({
            Name,
          })),
        },
      },
    },
    told: unreachable("secret_not_found"),
    asked: ["GetSecretValue", "ListSecrets"],
  },
  {
    fault: "a name that is not there, and nothing may be listed",
    script: { GetSecretValue: NOT_FOUND },
    told: unreachable("secret_not_found"),
  },
  {
    fault: "an ARN with another secret's end",
    script: {
      GetSecretValue: NOT_FOUND,
      ListSecrets: {
        body: {
          SecretList: [
            {
              Name: "prod/orders-dbs",
              ARN: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:prod/orders-dbs-ZyXwVu",
            },
            {
              Name: "prod/orders-db",
              ARN: "arn:aws:secretsmanager:eu-central-1:444455556666:secret:prod/orders-db-ZyXwVu",
            },
          ],
        },
      },
    },
    look: { ref: { id: SECRET_ARN } },
    told: unreachable("secret_not_found"),
  },
  {
    fault: "a name that is in another region of the store's",
    script: {
      GetSecretValue: NOT_FOUND,
      DescribeSecret: ({ region }) => (region === "us-east-1" ? description() : NOT_FOUND),
    },
    look: { config: { regions: ["eu-west-1", "us-east-1"] } },
    told: unreachable("secret_region_mismatch"),
    asked: ["GetSecretValue", "ListSecrets", "DescribeSecret", "DescribeSecret"],
  },
  {
    fault: "an ARN of another region than the store's",
    script: { GetSecretValue: GOOD },
    look: { ref: { id: SECRET_ARN }, config: { region: "us-east-1" } },
    told: unreachable("secret_region_mismatch"),
    asked: [],
  },
  {
    fault: "an ARN of another region than the reference's",
    script: { GetSecretValue: GOOD },
    look: { ref: { id: SECRET_ARN, region: "ap-southeast-2" } },
    told: unreachable("secret_region_mismatch"),
    asked: [],
  },
  {
    fault: "a version that is not there",
    script: {
      GetSecretValue: error(
        "ResourceNotFoundException",
        `Secrets Manager can't find the specified secret value for VersionId: ${VERSION}`,
      ),
      DescribeSecret: description(),
    },
    look: { ref: { id: "prod/orders-db", version: VERSION } },
    told: unreachable("secret_not_found"),
  },
  {
    fault: "a staging label that is not there",
    script: {
      GetSecretValue: error(
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret value for staging label: BLUE",
      ),
      DescribeSecret: description(),
    },
    look: { ref: { id: "prod/orders-db", stage: "BLUE" } },
    told: unreachable("secret_not_found"),
  },
  {
    fault: "a staging label that is not there, and nothing may be described",
    script: {
      GetSecretValue: error(
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret value for staging label: BLUE",
      ),
    },
    look: { ref: { id: "prod/orders-db", stage: "BLUE" } },
    told: unreachable("secret_not_found"),
  },
  {
    fault: "a staging label that is not there, in fewer words",
    script: { GetSecretValue: NOT_FOUND, DescribeSecret: description() },
    look: { ref: { id: "prod/orders-db", stage: "BLUE" } },
    told: unreachable("secret_not_found"),
    asked: ["GetSecretValue", "DescribeSecret"],
  },
  {
    fault: "an ARN of a secret that was made anew",
    script: {
      GetSecretValue: NOT_FOUND,
      ListSecrets: {
        body: { SecretList: [{ Name: "prod/orders-db", ARN: SECRET_ARN.replace("AbCdEf", "ZyXwVu") }] },
      },
    },
    look: { ref: { id: SECRET_ARN } },
    told: unreachable("secret_not_found"),
  },
  {
    fault: "a denial by name, and another region of the store's has it",
    script: {
      GetSecretValue: deny(`because no identity-based policy allows the ${GET} action`, "prod/orders-db"),
      DescribeSecret: ({ region, body }) =>
        region === "us-east-1"
          ? description()
          : error(
              "AccessDeniedException",
              denied("secretsmanager:DescribeSecret", JSON.stringify(body["SecretId"])),
            ),
    },
    look: { config: { regions: ["us-east-1"] } },
    told: unreachable("secret_region_mismatch"),
  },
  {
    fault: "a role whose name is that of the key service",
    script: {
      GetSecretValue: error(
        "AccessDeniedException",
        `User: arn:aws:sts::111122223333:assumed-role/KMS/x is not authorized to perform: ${GET} on resource: ${SECRET_ARN} because no identity-based policy allows the ${GET} action`,
      ),
    },
    told: unreachable("secret_forbidden"),
  },
  {
    fault: "a secret without a value",
    script: {
      GetSecretValue: error(
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
      ),
      DescribeSecret: description({ VersionIdsToStages: {} }),
    },
    told: unreachable("secret_not_found"),
  },
  {
    fault: "a name that AWS does not take",
    script: { GetSecretValue: error("ValidationException", "1 validation error detected") },
    told: unreachable("secret_not_found"),
  },
  {
    fault: "no identity policy, and no right to look at the tags",
    script: { GetSecretValue: deny(`because no identity-based policy allows the ${GET} action`) },
    told: unreachable("secret_forbidden"),
    asked: ["GetSecretValue", "DescribeSecret"],
  },
  {
    fault: "no identity policy, and AWS knows the name alone",
    script: {
      GetSecretValue: deny(`because no identity-based policy allows the ${GET} action`, "prod/orders-db"),
    },
    told: unreachable("secret_forbidden"),
  },
  {
    fault: "no identity policy, though the tag is there",
    script: {
      GetSecretValue: deny(`because no identity-based policy allows the ${GET} action`),
      DescribeSecret: description(),
    },
    told: unreachable("secret_forbidden"),
  },
  {
    fault: "a tag condition and no tag",
    script: {
      GetSecretValue: deny(`because no identity-based policy allows the ${GET} action`),
      DescribeSecret: UNTAGGED,
    },
    told: unreachable("secret_not_tagged"),
    asked: ["GetSecretValue", "DescribeSecret"],
  },
  {
    fault: "a denial in words of no known form",
    script: {
      GetSecretValue: error("AccessDeniedException", "Access denied"),
      DescribeSecret: description(),
    },
    told: unreachable("secret_forbidden"),
  },
  ...KINDS.map(([fault, why]) => ({
    fault,
    script: { GetSecretValue: deny(why), DescribeSecret: description() },
    told: unreachable("secret_forbidden"),
  })),
  {
    fault: "a deny in a service control policy, and no tag",
    script: {
      GetSecretValue: deny(`with an explicit deny in a service control policy: ${POLICY}`),
      DescribeSecret: UNTAGGED,
    },
    told: unreachable("secret_forbidden"),
  },
  {
    fault: "the gate, and no tag",
    script: { DescribeSecret: UNTAGGED, GetSecretValue: GOOD },
    look: { optIn: true },
    told: unreachable("secret_not_tagged"),
    asked: ["DescribeSecret"],
  },
  {
    fault: "the gate, and the alias",
    script: {
      DescribeSecret: description({ Tags: [{ Key: "apono-connector-read", Value: "true" }] }),
      GetSecretValue: GOOD,
    },
    look: { optIn: true },
    told: "online",
  },
  {
    fault: "the gate, and no right to look at the tags",
    script: { GetSecretValue: GOOD },
    look: { optIn: true },
    told: unreachable("secret_forbidden"),
    asked: ["DescribeSecret"],
  },
  {
    fault: "the gate, and no right to read",
    script: {
      DescribeSecret: description(),
      GetSecretValue: deny(`because no identity-based policy allows the ${GET} action`),
    },
    look: { optIn: true },
    told: unreachable("secret_forbidden"),
    asked: ["DescribeSecret", "GetSecretValue"],
  },
  {
    fault: "a key that may not be used",
    script: {
      GetSecretValue: error("AccessDeniedException", "Access to KMS is not allowed"),
      DescribeSecret: description({ KmsKeyId: KEY }),
    },
    told: unreachable("secret_decrypt_forbidden"),
  },
  {
    fault: "a key that may not be used, and nothing may be described",
    script: { GetSecretValue: error("AccessDeniedException", "Access to KMS is not allowed") },
    told: unreachable("secret_decrypt_forbidden"),
  },
  {
    fault: "a key that AWS names",
    script: {
      GetSecretValue: error(
        "AccessDeniedException",
        denied("kms:Decrypt", KEY, "because no resource-based policy allows the kms:Decrypt action"),
      ),
    },
    told: unreachable("secret_decrypt_forbidden"),
  },
  {
    fault: "a key that is disabled",
    script: {
      GetSecretValue: error(
        "DecryptionFailure",
        "Secrets Manager can't decrypt the protected secret text using the provided KMS key.",
      ),
      DescribeSecret: description({ KmsKeyId: "alias/orders" }),
    },
    told: unreachable("secret_decrypt_forbidden"),
  },
  {
    fault: "scheduled for deletion",
    script: {
      GetSecretValue: error(
        "InvalidRequestException",
        "You can't perform this operation on the secret because it was marked for deletion.",
      ),
      DescribeSecret: description({ DeletedDate: 1_790_000_000 }),
    },
    told: unreachable("secret_disabled"),
  },
  {
    fault: "scheduled for deletion, and nothing may be described",
    script: {
      GetSecretValue: error(
        "InvalidRequestException",
        "You can't perform this operation on the secret because it was marked for deletion.",
      ),
    },
    told: unreachable("secret_disabled"),
  },
  {
    fault: "throttling, with a time to wait",
    script: { GetSecretValue: error("ThrottlingException", "Rate exceeded", 400, { "retry-after": "7" }) },
    told: unreachable("store_rate_limited"),
    asked: ["GetSecretValue"],
  },
  {
    fault: "throttling by status alone",
    script: { GetSecretValue: { status: 429, body: "slow down" } },
    told: unreachable("store_rate_limited"),
  },
  {
    fault: "AWS itself in trouble",
    script: { GetSecretValue: error("InternalServiceError", "An error occurred on the server side.", 500) },
    told: unreachable("store_unreachable"),
    asked: ["GetSecretValue"],
  },
  {
    fault: "a page instead of an answer",
    script: {
      GetSecretValue: { status: 503, body: "<html>503</html>", headers: { "content-type": "text/html" } },
    },
    told: unreachable("store_unreachable"),
  },
  {
    fault: "somebody who is not AWS",
    script: { GetSecretValue: { body: "<html>welcome</html>", headers: { "content-type": "text/html" } } },
    told: unreachable("store_unreachable"),
  },
  {
    fault: "a redirect",
    script: { GetSecretValue: { status: 302, headers: { location: "https://login.example.org/" } } },
    told: unreachable("store_unreachable"),
  },
  {
    fault: "a code that nobody knows",
    script: { GetSecretValue: error("BrandNewException", "whatever") },
    told: unreachable("unknown"),
  },
  {
    fault: "no region",
    script: {},
    look: { config: { region: undefined } },
    told: unreachable("store_unreachable"),
    asked: [],
  },
  {
    fault: "an endpoint of the environment without TLS",
    script: {},
    look: {
      config: { endpoint: undefined },
      environment: { ...KEYS, AWS_ENDPOINT_URL: "http://localstack:4566" },
    },
    told: unreachable("store_unreachable"),
    asked: [],
  },
  {
    fault: "a value that is no JSON",
    script: { GetSecretValue: value(`user=${USERNAME}`) },
    told: ["secret_invalid", "secret", "secret_unparsable"],
  },
  {
    fault: "bytes that are no text",
    script: { GetSecretValue: value("", { SecretString: undefined, SecretBinary: "gIGC/w==" }) },
    told: ["secret_invalid", "secret", "secret_unparsable"],
  },
  {
    fault: "a field of another name",
    script: { GetSecretValue: value(JSON.stringify({ user: USERNAME, password: PASSWORD })) },
    told: ["secret_invalid", "secret", "secret_field_missing"],
  },
];

test.each(ROWS)("$fault", async ({ script, look, told, asked }) => {
  await using fake = await fakeAws(script);
  const report = await lookAt(fake, look);
  expectTold(report, told);
  if (asked !== undefined) expect(fake.asked().toSorted()).toEqual(asked.toSorted());
  if (told !== "online") expect(letterOf(report)).toMatchSnapshot();
});

test("a secret of bytes that are text", async () => {
  const bytes = Buffer.from(JSON.stringify({ username: USERNAME, password: PASSWORD })).toString("base64");
  await using fake = await fakeAws({
    GetSecretValue: value("", { SecretString: undefined, SecretBinary: bytes }),
  });
  expectTold(await lookAt(fake), "online");
});

test("a version that is pinned and old is a warning, with the current one's id where it may be asked", async () => {
  const old = "00000000-2222-3333-4444-555555555555";
  const pinned = value(JSON.stringify({ username: USERNAME, password: PASSWORD }), {
    VersionId: old,
    VersionStages: ["AWSPREVIOUS"],
  });
  for (const DescribeSecret of [description(), deny("because no identity-based policy allows it")]) {
    await using fake = await fakeAws({ GetSecretValue: pinned, DescribeSecret });
    const report = await lookAt(fake, { ref: { id: "prod/orders-db", version: old } });
    expect([report.state, report.condition, report.reason]).toEqual(["warning", null, "secret_stale"]);
    expect(letterOf(report)).toMatchSnapshot();
    expect(fake.came[0]?.body).toEqual({ SecretId: "prod/orders-db", VersionId: old });
  }
});

test("what a reading knows of its secret", async () => {
  await using fake = await fakeAws({ GetSecretValue: GOOD });
  const config = aws.config.parse({ region: "eu-central-1", endpoint: fake.url });
  const store = aws.open(settings(config), place(KEYS));
  const secret = await store.read(
    { id: "prod/orders-db", stage: "AWSCURRENT" },
    new AbortController().signal,
  );
  await store.close?.();
  const { text: _text, ...known } = secret;
  expect(known).toEqual({ version: "11111111-2222-3333-4444-555555555555", createdAt: 1_790_000_000_123 });
  expect(fake.came[0]?.body).toEqual({ SecretId: "prod/orders-db", VersionStage: "AWSCURRENT" });
});

test("the names that come in handy are found beyond the first pages", async () => {
  const page = (from: number, more: object) => ({
    body: {
      SecretList: Array.from({ length: 100 }, (_, index) => ({ Name: `other/${from + index}` })),
      ...more,
    },
  });
  await using fake = await fakeAws({
    GetSecretValue: NOT_FOUND,
    ListSecrets: ({ body: { NextToken = 0, Filters } }) =>
      Filters === undefined
        ? page(Number(NextToken) * 100, { NextToken: String(Number(NextToken) + 1) })
        : { body: { SecretList: [{ Name: "prod/orders-database" }] } },
  });
  const report = await lookAt(fake, { ref: { id: "prod/orders-databse" } });
  expect(report.cause).toContain("near it: prod/orders-database");
  expect(fake.came.filter(({ operation }) => operation === "ListSecrets").map(({ body }) => body)).toEqual([
    { MaxResults: 100 },
    { MaxResults: 100, NextToken: "1" },
    { MaxResults: 100, NextToken: "2" },
    { MaxResults: 100, Filters: [{ Key: "all", Values: ["prod", "orders", "databse"] }] },
  ]);
});

test("finding out why does not outlast its own time, nor the stage's", async () => {
  const script = {
    GetSecretValue: deny(`because no identity-based policy allows the ${GET} action`),
    DescribeSecret: { silent: true },
  };
  for (const [timeoutMs, most] of [
    [10_000, 2500],
    [500, 900],
  ] as const) {
    await using fake = await fakeAws(script);
    const started = performance.now();
    const report = await lookAt(fake, { timeoutMs });
    expect(performance.now() - started).toBeLessThan(most);
    expectTold(report, unreachable("secret_forbidden"));
  }
});

test("one client and its connections serve all secrets", async () => {
  await using fake = await fakeAws({ GetSecretValue: GOOD });
  const config = aws.config.parse({ region: "eu-central-1", endpoint: fake.url });
  const store = aws.open(settings(config), place(KEYS));
  const { signal } = new AbortController();
  for (let index = 0; index < 20; index += 1) await store.read({ id: `orders/${index}` }, signal);
  expect(fake.came.length).toBe(20);
  // A connection is free again a moment after its answer: the next request may want a second one.
  expect(new Set(fake.came.map(({ from }) => from)).size).toBeLessThanOrEqual(2);
  await store.close?.();
});

test("another region is another scope of the signature, at a VPC endpoint another host", async () => {
  await using fake = await fakeAws({ GetSecretValue: GOOD });
  expectTold(await lookAt(fake, { ref: { id: "prod/orders-db", region: "us-west-2" } }), "online");
  expect(fake.came[0]?.region).toBe("us-west-2");
});

test("the environment's region, and an endpoint that it names", async () => {
  await using fake = await fakeAws({ GetSecretValue: GOOD });
  const environment = { ...KEYS, AWS_REGION: "eu-north-1", AWS_ENDPOINT_URL_SECRETS_MANAGER: fake.url };
  const config = { region: undefined, endpoint: undefined };
  expectTold(await lookAt(fake, { config, environment }), "online");
  expect(fake.came[0]?.region).toBe("eu-north-1");
});

test("a key of the environment is told by its end alone, and no words of AWS's are told", async () => {
  const words = canary("words");
  const why = `because no identity-based policy allows the ${GET} action ${words}`;
  await using fake = await fakeAws({ GetSecretValue: deny(why) });
  expectTold(await lookAt(fake, { canaries: [words] }), unreachable("secret_forbidden"));
  await using other = await fakeAws({ GetSecretValue: error("UnrecognizedClientException", words) });
  const report = await lookAt(other, { canaries: [words] });
  expect(report.cause).toContain("…WXYZ");
});

test("a principal, a key or a policy that is none is not repeated", async () => {
  const odd = `User: ${PRINCIPAL}$(reboot) is not authorized to perform: ${GET} on resource: ;rm -rf with an explicit deny in a service control policy: arn:aws:iam::1:policy/\u202Ex`;
  await using fake = await fakeAws({ GetSecretValue: error("AccessDeniedException", odd) });
  const told = JSON.stringify(await lookAt(fake));
  expect(told).not.toMatch(/reboot|rm -rf|\u202E|policy\//);
});

interface Unreached extends AsyncDisposable {
  readonly port: number;
}

const UNREACHED: readonly (readonly [
  fault: string,
  open: () => Promise<Unreached>,
  reason: "store_unreachable" | "store_timeout",
])[] = [
  ["nobody listens", refusedPort, "store_unreachable"],
  ["nobody answers a packet", blackHole, "store_timeout"],
  ["somebody listens and says nothing", silent, "store_timeout"],
  ["somebody hangs up", closes, "store_unreachable"],
  [
    "somebody speaks another protocol",
    () => speaks("SSH-2.0-OpenSSH_9.2\r\n", { when: "connect" }),
    "store_unreachable",
  ],
];

test.each(UNREACHED)("the endpoint: %s", async (_fault, open, reason) => {
  await using target = await open();
  const started = performance.now();
  const report = await lookAt({ url: `http://127.0.0.1:${target.port}` }, { timeoutMs: 1500 });
  expect(performance.now() - started).toBeLessThan(2200);
  expectTold(report, unreachable(reason));
  expect(letterOf(report)).toMatchSnapshot();
});

test("the endpoint: a name that nobody knows", async () => {
  const report = await lookAt(
    { url: "https://secretsmanager.eu-central-1.amazonaws.invalid" },
    { timeoutMs: 3000 },
  );
  expect([report.stage, report.condition]).toEqual(["secret", "secret_unreachable"]);
  expect(["store_unreachable", "store_timeout"]).toContain(report.reason);
});

test("the endpoint: a certificate of nobody's authority, and with its authority", async () => {
  await using made = await fixtures();
  const { certPem: cert, keyPem: key } = made.certificate;
  await using fake = await fakeAws({ GetSecretValue: GOOD }, { cert, key });
  const report = await lookAt(fake);
  expectTold(report, unreachable("store_unreachable"));
  expect(letterOf(report)).toMatchSnapshot();
  expectTold(await lookAt(fake, { ca: made.ca }), "online");
});

test("the endpoint: behind a proxy, and behind one that refuses", async () => {
  await using fake = await fakeAws({ GetSecretValue: GOOD });
  await using open = await connectProxy({ mode: "works" });
  const through = await lookAt(fake, { proxy: `http://127.0.0.1:${open.port}` });
  expectTold(through, "online");
  await using shut = await connectProxy({ mode: "forbids" });
  expectTold(
    await lookAt(fake, { proxy: `http://127.0.0.1:${shut.port}` }),
    unreachable("store_unreachable"),
  );
});

test.each([
  [{ id: "" }, "id"],
  [{ id: "two words" }, "id"],
  [{ id: "arn:aws:s3:::bucket" }, "id"],
  [{ id: "orders", region: "Frankfurt" }, "region"],
  [{ id: "orders", version: "11111111-2222-3333-4444-555555555555", stage: "AWSCURRENT" }, "stage"],
])("a reference that cannot be meant: %j", (reference, member) => {
  const result = aws.ref.safeParse(reference);
  expect(result.error?.issues.map(({ path }) => path[0])).toEqual([member]);
});

test.each([
  [{ externalId: "42" }, "externalId"],
  [{ roleArn: "mooring" }, "roleArn"],
  [{ endpoint: "http://secretsmanager.eu-central-1.amazonaws.com" }, "endpoint"],
  [{ regions: ["somewhere"] }, "regions"],
])("a config that cannot be meant: %j", (config, member) => {
  const result = aws.config.safeParse(config);
  expect(result.error?.issues.map(({ path }) => path[0])).toEqual([member]);
});
