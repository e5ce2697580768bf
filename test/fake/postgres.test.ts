import { setTimeout } from "node:timers/promises";
import { Client, type ClientConfig } from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Authority, createAuthority } from "../../src/demo/certificates.ts";
import { type Postgres, startPostgres } from "../../src/demo/postgres.ts";

const PASSWORD = "it's a \\ secret";
let authority: Authority;
let postgres: Postgres;

beforeAll(async () => {
  authority = await createAuthority("tests");
  const tls = await authority.issue({ names: ["127.0.0.1"] });
  postgres = await startPostgres({ superuserPassword: PASSWORD, tls, settings: { max_connections: "17" } });
});
afterAll(() => postgres?.[Symbol.asyncDispose]());

/** Logs in over TCP and resolves to "in", or to the error's code or message. */
async function login(config: ClientConfig = {}): Promise<string> {
  const { host, port } = postgres;
  const client = new Client({ host, port, user: "postgres", password: PASSWORD, ssl: false, ...config });
  client.on("error", () => {});
  try {
    await client.connect();
    return "in";
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    await client.end();
  }
}

test("the superuser gets in by password, and nobody else", async () => {
  expect(await login()).toBe("in");
  expect(await login({ password: "wrong" })).toBe("28P01");
  expect(await login({ user: "stranger" })).toBe("28P01");
});

test("runs statements as the superuser, in any database", async () => {
  await postgres.sql("create database other");
  const rows = await postgres.sql(
    "select 1; select current_database() as name, current_user as who",
    "other",
  );
  expect(rows).toEqual([{ name: "other", who: "postgres" }]);
  expect(await postgres.sql("show max_connections")).toEqual([{ max_connections: "17" }]);
});

test("speaks TLS", async () => {
  expect(await login({ ssl: { ca: authority.certPem } })).toBe("in");
  const stranger = await createAuthority("other");
  expect(await login({ ssl: { ca: stranger.certPem } })).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
});

test("new hba lines hold at once, and do not lock us out", async () => {
  await postgres.setHba(["hostnossl all all all reject", "hostssl all all all scram-sha-256"]);
  expect(await login()).toBe("28000");
  expect(await login({ ssl: { ca: authority.certPem } })).toBe("in");
  expect(await postgres.sql("select 1 as one")).toEqual([{ one: 1 }]);
  await expect(postgres.setHba(["nonsense"])).rejects.toThrow("pg_hba.conf is wrong");
  await postgres.setHba(["host all all all scram-sha-256"]);
  expect(await login()).toBe("in");
});

test("refuses while it is stopped, and comes back on its port", async () => {
  await postgres.stop("fast");
  expect(await login()).toBe("ECONNREFUSED");
  await postgres.start();
  expect(await login()).toBe("in");
});

test("does not answer while it is frozen", async () => {
  await postgres.freeze();
  const attempt = login();
  expect(await Promise.race([attempt, setTimeout(300, "nothing")])).toBe("nothing");
  await postgres.thaw();
  expect(await attempt).toBe("in");
});
