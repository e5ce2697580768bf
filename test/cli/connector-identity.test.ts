import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { started, type Started } from "../control-plane/started.ts";
import { clusterKey, ISSUER } from "../fake/account-token.ts";
import { type Ended, mooring } from "./run.ts";

let plane: Started;
let directory: string;
let jwks: string;
beforeAll(async () => {
  plane = await started();
  directory = await mkdtemp(join(tmpdir(), "mooring-cli-"));
  jwks = join(directory, "jwks.json");
  await writeFile(jwks, JSON.stringify({ keys: [(await clusterKey("key-one-of-the-cluster")).jwk] }));
});
afterAll(async () => {
  await plane[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

const identity = (...args: string[]): Promise<Ended> =>
  mooring(["connector-identity", ...args, "--control-plane", plane.origin, "--data", plane.dataDir]);
const account = ["--issuer", ISSUER, "--service-account", "mooring/mooring-connector"];

describe("mooring connector-identity", () => {
  test("adds, lists and removes", async () => {
    expect(await identity("list")).toMatchObject({ code: 0, stdout: "No ServiceAccount is registered.\n" });
    const added = await identity("add", "prod-eu", ...account, "--jwks-file", jwks);
    const id = added.stdout.trim();
    expect(added).toEqual({
      code: 0,
      stdout: `${id}\n`,
      stderr: `ServiceAccount mooring/mooring-connector of ${ISSUER} may enrol as connector prod-eu, by tokens for ${plane.origin}.\n`,
    });
    expect((await identity("list")).stdout).toBe(
      [
        `ID                                    CONNECTOR  SERVICE ACCOUNT            JUDGED BY      LAST ENROLLED  ISSUER`,
        `${id}  prod-eu    mooring/mooring-connector  keys key-one-  never          ${ISSUER}`,
        "",
      ].join("\n"),
    );
    const again = await identity("add", "prod-eu", ...account, "--jwks-file", jwks, "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ id, connector: "prod-eu", review: false });
    expect(JSON.parse((await identity("list", "--json")).stdout)).toMatchObject({ items: [{ id }] });
    expect(await identity("remove", id)).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(await identity("remove", id)).toEqual({
      code: 1,
      stdout: "",
      stderr: `${plane.origin} answered 404: Not Found: There is no such identity.\n`,
    });
  });

  test("says what the control plane refuses", async () => {
    const review = await identity("add", "prod-eu", ...account, "--token-review");
    expect(review).toMatchObject({
      code: 1,
      stderr: `${plane.origin} answered 409: Conflict: The control plane runs in no cluster: register keys (jwks).\n`,
    });
  });

  const CASES: [args: () => string[], says: string][] = [
    [
      () => ["show"],
      "write mooring connector-identity add NAME, connector-identity list, or connector-identity remove ID",
    ],
    [
      () => ["add"],
      "write mooring connector-identity add NAME, connector-identity list, or connector-identity remove ID",
    ],
    [() => ["add", "c"], "--issuer is missing; write --issuer URL"],
    [
      () => ["add", "c", "--issuer", ISSUER],
      "--service-account is missing; write --service-account NAMESPACE/NAME",
    ],
    [
      () => ["add", "c", "--issuer", ISSUER, "--service-account", "mooring"],
      "--service-account mooring is not NAMESPACE/NAME; write mooring/mooring-connector",
    ],
    [
      () => ["add", "c", ...account],
      "name one of --jwks-file FILE (any cluster) and --token-review (the control plane's own)",
    ],
    [
      () => ["add", "c", ...account, "--token-review", "--jwks-file", jwks],
      "name one of --jwks-file FILE (any cluster) and --token-review (the control plane's own)",
    ],
    [
      () => ["add", "c", ...account, "--jwks-file", "/none"],
      "--jwks-file /none cannot be read (ENOENT); name a file that this user can read",
    ],
    [
      () => ["add", "c", ...account, "--jwks-file", join(plane.dataDir, "operator-token")],
      "is no JSON Web Key Set; make it with kubectl get --raw /openid/v1/jwks",
    ],
  ];
  test.each(CASES)("wrong use is one line and 2: %#", async (args, says) => {
    const { code, stderr, stdout } = await identity(...args());
    expect([code, stdout, stderr.trim().split("\n").length]).toEqual([2, "", 1]);
    expect(stderr).toContain("mooring connector-identity: ");
    expect(stderr).toContain(says);
  });
});

test("a connector takes a join token or a ServiceAccount's, not both", async () => {
  const files = ["--join-token-file", "a", "--service-account-token-file", "b"];
  const both = await mooring(["connector", "--control-plane", plane.origin, ...files]);
  expect(both).toEqual({
    code: 2,
    stdout: "",
    stderr:
      "mooring connector: --join-token-file and --service-account-token-file exclude each other: name the one that the connector is to join by.\n",
  });
});

test("without its file a connector ends at once, and doctor says the same", async () => {
  const flags = ["--control-plane", plane.origin, "--state", join(directory, "none")];
  const file = join(directory, "token");
  const says = `The ServiceAccount token file ${file} cannot be read (ENOENT): project a token for the control plane to it.`;
  const ended = await mooring(["connector", ...flags, "--service-account-token-file", file]);
  expect(ended).toMatchObject({ code: 2, stderr: `mooring connector: ${says}\n` });
  const doctor = await mooring(["doctor", ...flags, "--service-account-token-file", file]);
  expect([doctor.code, doctor.stdout]).toEqual([1, expect.stringContaining(says)]);
});
