import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { StoreHttp, type StoreRequest } from "../../../src/connector/dial/store-http.ts";
import { Failure } from "../../../src/connector/failure.ts";
import type { SecretStoreType } from "../../../src/connector/secrets/secret-store.ts";
import { openStore } from "../../../src/connector/secrets/shown.ts";
import { place, settings } from "../../fake/secret.ts";
import { httpServer } from "../../fake/targets.ts";

const CANARY = `canary-${randomUUID()}`;
const FORM = { "content-type": "application/x-www-form-urlencoded" };

interface Ref {
  readonly url: URL;
  readonly wish: Omit<StoreRequest, "url">;
  /** What it throws, by what it was shown. */
  readonly thrown: (canary: string) => Error;
}

/** Asks for something, and believes whatever the server says in return. */
const credulous: SecretStoreType<Ref> = {
  type: "credulous",
  summary: "",
  builtIn: true,
  ref: z.custom<Ref>(),
  config: z.unknown(),
  name: () => "a",
  facts: () => ({}),
  open: (_settings, { clock, network }) => {
    const http = new StoreHttp({ clock, network, proxy: "none" });
    return {
      read: async ({ url, wish, thrown }, signal) => {
        await http.request({ ...wish, url }, signal);
        throw thrown(CANARY);
      },
      close: () => http.close(),
    };
  },
};

async function thrownBy(wish: Ref["wish"], thrown: Ref["thrown"]): Promise<unknown> {
  await using server = await httpServer((_, response) => response.end());
  const store = openStore(credulous, settings({}), place());
  const url = new URL(`http://127.0.0.1:${server.port}/`);
  const error: unknown = await store
    .read({ url, wish, thrown }, AbortSignal.timeout(5_000))
    .then(undefined, (reason: unknown) => reason);
  await store.close?.();
  return error;
}

const get = (headers: Record<string, string>): Ref["wish"] => ({ method: "GET", headers });
const post = (body: StoreRequest["body"] & {}, headers = {}): Ref["wish"] => ({
  method: "POST",
  headers,
  body,
});

const SHOWN: readonly (readonly [string, Ref["wish"]])[] = [
  ["a bearer", get({ authorization: `Bearer ${CANARY}` })],
  ["a login of Basic", get({ authorization: `Basic ${Buffer.from(`me:${CANARY}`).toString("base64")}` })],
  ["Vault's header", get({ "X-Vault-Token": CANARY })],
  ["AWS's session token", get({ "x-amz-security-token": CANARY })],
  ["Azure's header", get({ "X-IDENTITY-HEADER": CANARY })],
  ["a form's client secret", post(`client_id=me&client_secret=${encodeURIComponent(CANARY)}`, FORM)],
  ["a form's assertion", post(new TextEncoder().encode(`client_assertion=${CANARY}`), FORM)],
  ["a member's token", post(JSON.stringify({ role: "me", jwt: CANARY }))],
  ["a member's secret id", post(JSON.stringify({ role_id: "me", secret_id: CANARY }))],
];

describe.each(SHOWN)("%s", (_, wish) => {
  test("is not evidence, whatever is made of it, and the rest is", async () => {
    const evidence = (canary: string): Record<string, string | number> => ({
      code: canary,
      policy: `the ${Buffer.from(canary).toString("base64")}`,
      location: `${Buffer.from(canary).toString("hex")}.test`,
      status: 307,
      endpoint: "vault:8200",
    });
    const cause = new Error("why");
    const error = await thrownBy(
      wish,
      (canary) => new Failure("secret", "store_unreachable", evidence(canary), cause),
    );
    expect(error).toMatchObject({ stage: "secret", reason: "store_unreachable", cause });
    expect((error as Failure).evidence).toEqual({ status: 307, endpoint: "vault:8200" });
  });

  test("is not in an error that the store does not know", async () => {
    const error = await thrownBy(wish, (canary) => new TypeError(`${canary} is none`));
    expect(String(error)).toBe("Error: (withheld: it repeats what a secret store was shown)");
    const other = await thrownBy(wish, () => new TypeError("something else"));
    expect(String(other)).toBe("TypeError: something else");
  });
});

test("names of secrets and keys, and words too short for a credential, are evidence", async () => {
  const evidence = { code: "prod/orders", who: "AKIA123456789", how: "short" };
  const headers = { authorization: "AWS4-HMAC-SHA256 Credential=AKIA123456789/x", "x-vault-token": "short" };
  const wish = { ...get(headers), body: JSON.stringify({ SecretId: "prod/orders" }) };
  const error = await thrownBy(wish, () => new Failure("secret", "store_unreachable", evidence));
  expect((error as Failure).evidence).toEqual(evidence);
});
