import pg from "pg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { postgresql } from "../../src/connector/integrations/postgresql/postgresql.ts";
import { type Postgres, startPostgres } from "../../src/demo/postgres.ts";
import { speaks } from "../fake/targets.ts";
import { encrypted, plain } from "./encrypted.ts";
import { type Expected, expectLook, expectWords, unreachable } from "./expected.ts";
import { HOST, look, type Looked } from "./look.ts";
import { errorMessage, int32, LOGGED_IN, message, READY, rows } from "./postgres-messages.ts";
import { type Fixtures, fixtures } from "./subject.ts";

const TIMEOUT_MS = 5000;
const APP = { username: "app", password: "app's password" };
const SLOTS = 5;
const ANYONE = ["host all all all scram-sha-256"];

let made: Fixtures;
let server: Postgres;
const held: pg.Client[] = [];

beforeAll(async () => {
  made = await fixtures();
  const tls = { ...made.certificate, clientCaPem: made.authority.certPem };
  const settings = { max_connections: String(SLOTS + 3), superuser_reserved_connections: "3" };
  server = await startPostgres({ superuserPassword: "unused", tls, settings });
  await server.sql(`
    create role app login password 'app''s password';
    create role locked nologin password 'x';
    create role limited login password 'x' connection limit 0;
    create role expired login password 'x' valid until '2001-01-01'`);
  await server.sql("create database closed");
  await server.sql("revoke connect on database closed from public");
});
afterAll(async () => {
  await release();
  await server?.[Symbol.asyncDispose]();
  await made?.[Symbol.asyncDispose]();
});

interface Wish {
  readonly database?: string;
  readonly mode?: "disable" | "require" | "verify";
  readonly login?: { readonly username: string; readonly password: string };
  readonly port?: number;
  readonly timeoutMs?: number;
}

function lookAt(wish: Wish = {}): Promise<Looked> {
  const { database = "postgres", mode = "verify", login = APP, port = server.port } = wish;
  const config = { host: HOST, port, database, tls: { mode, ...(mode === "verify" ? { ca: made.ca } : {}) } };
  return look(postgresql, config, { secret: JSON.stringify(login), timeoutMs: wish.timeoutMs ?? TIMEOUT_MS });
}

async function expectAt(expected: Expected, wish: Wish = {}): Promise<Looked> {
  const looked = await lookAt(wish);
  expectLook(looked, expected, wish.timeoutMs ?? TIMEOUT_MS);
  return looked;
}

/** Takes so many of the server's slots. */
async function hold(count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1) {
    const client = new pg.Client({
      host: "127.0.0.1",
      port: server.port,
      user: APP.username,
      password: APP.password,
      database: "postgres",
    });
    client.on("error", () => {});
    await client.connect();
    held.push(client);
  }
}

async function release(): Promise<void> {
  await Promise.all(held.splice(0).map((client) => client.end()));
}

/** Waits until no session of the account is left. */
async function deserted(): Promise<void> {
  await vi.waitFor(async () => {
    const [row] = await server.sql(
      "select count(*)::int as left from pg_stat_activity where usename = 'app'",
    );
    expect(row).toEqual({ left: 0 });
  });
}

describe("logins", () => {
  test("the encryption that was verified is a pass", async () => {
    const { report } = await expectAt("online");
    expect(report.findings.map(({ subject, verdict }) => [subject, verdict])).toEqual([
      ["certificate", "passed"],
      ["connections", "passed"],
    ]);
    await deserted();
  });

  test("tls.mode require is a warning", async () => {
    const { report } = await lookAt({ mode: "require" });
    const { state, condition, stage, reason, message } = report;
    expect([state, condition, stage, reason]).toEqual(["warning", null, "tls", "tls_unverified"]);
    expect(message).toBe("Integration the-target works, with a gap.");
    expectWords(report);
  });

  test("tls.mode disable is a pass that says so", async () => {
    const { report } = await expectAt("online", { mode: "disable" });
    expect(report.findings).toContainEqual({
      subject: "encryption",
      verdict: "failed",
      text: "the login went over a connection without encryption (tls.mode: disable)",
    });
  });

  test.each([
    ["wrong password", { ...APP, password: "wrong" }],
    ["unknown user", { username: "nobody-here", password: "x" }],
    ["expired password", { username: "expired", password: "x" }],
  ])("%s", async (_name, login) => {
    await expectAt(["secret_invalid", "authenticate", "credentials_rejected"], { login });
  });

  test("an account that may not log in", async () => {
    const { report } = await expectAt(["secret_invalid", "authenticate", "account_locked"], {
      login: { username: "locked", password: "x" },
    });
    expect(report.cause).toContain("28000");
  });

  test("a database that is not there", async () => {
    await expectAt(unreachable("authorize", "database_not_found"), { database: "nowhere" });
  });

  test("no right to connect", async () => {
    const { report } = await expectAt(["discovery_failed", "authorize", "permission_denied"], {
      database: "closed",
    });
    expect(report.cause).toContain("CONNECT");
  });

  test("a database that takes no connections", async () => {
    await server.sql("create database shut");
    await server.sql("alter database shut allow_connections false");
    const { report } = await expectAt(["discovery_failed", "authorize", "permission_denied"], {
      database: "shut",
    });
    expect(report.cause).toContain("CONNECT (55000)");
  });

  test("slots that may not be counted are not counted", async () => {
    await server.sql("revoke execute on function pg_stat_get_activity(int) from public");
    const { report } = await expectAt("online");
    expect(report.findings.at(-1)).toEqual({
      subject: "connections",
      verdict: "not_checked",
      text: "not counted: the server refused the question (42501)",
    });
    await server.sql("grant execute on function pg_stat_get_activity(int) to public");
  });

  test("our own environment is no part of the session", async () => {
    vi.stubEnv("PGOPTIONS", "-c no_such_setting=1");
    vi.stubEnv("PGREPLICATION", "database");
    await expectAt("online");
    vi.unstubAllEnvs();
  });

  test("a zero character in the login", async () => {
    const { report } = await expectAt(["secret_invalid", "secret", "secret_unparsable"], {
      login: { ...APP, password: "a\0b" },
    });
    expect(report.cause).toContain("its password holds a zero character");
  });

  test("its name is mooring in pg_stat_activity", async () => {
    await server.sql(`
      create table seen (name text);
      create function note() returns event_trigger language plpgsql security definer as $$ begin
        insert into seen select application_name from pg_stat_activity
          where pid = pg_backend_pid() and usename = 'app';
      end $$;
      create event trigger noting on login execute function note()`);
    await expectAt("online");
    await server.sql("drop event trigger noting");
    expect(await server.sql("select name from seen")).toEqual([{ name: "mooring" }]);
  });
});

describe("a server that is full, stopping or choosy", () => {
  const tooMany = unreachable("respond", "too_many_connections");

  test("the account's limit is reached", async () => {
    const { report } = await expectAt(tooMany, { login: { username: "limited", password: "x" } });
    expect(report.stages.at(-1)?.stage).toBe("respond"); // The login itself had passed by then.
  });

  test("the last slot is taken by the check itself, and left", async () => {
    await hold(SLOTS - 1);
    const { report } = await expectAt("online");
    expect(report.findings.at(-1)).toEqual({
      subject: "connections",
      verdict: "failed",
      text: "5 of 5 connections for ordinary accounts are taken",
    });
  });

  test("all slots are taken", async () => {
    await vi.waitFor(() => hold(1));
    await expectAt(tooMany);
    await release();
    await deserted();
  });

  test("shutting down", async () => {
    await hold(1);
    const stopped = server.stop("smart");
    await vi.waitFor(async () => expect((await lookAt()).report.state).toBe("error"));
    await expectAt(unreachable("respond", "server_starting"));
    await release();
    await stopped;
    await expectAt(unreachable("connect", "connection_refused"));
    await server.start();
    await expectAt("online");
  });

  test("frozen", async () => {
    await server.freeze();
    await expectAt(unreachable("tls", "tls_timeout"), { timeoutMs: 600 });
    await expectAt(unreachable("respond", "response_timeout"), { timeoutMs: 600, mode: "disable" });
    await server.thaw();
  });

  test.each<[name: string, hba: string, expected: Expected, mode: "disable" | "verify"]>([
    [
      "no line for the address",
      "hostssl all all 192.0.2.1/32 scram-sha-256",
      unreachable("authenticate", "source_address_denied"),
      "verify",
    ],
    [
      "a line that rejects",
      "host all all all reject",
      unreachable("authenticate", "source_address_denied"),
      "verify",
    ],
    ["only encrypted", "hostssl all all all scram-sha-256", unreachable("tls", "tls_required"), "disable"],
    [
      "a client certificate besides the password",
      "hostssl all all all scram-sha-256 clientcert=verify-ca",
      unreachable("tls", "client_certificate_required"),
      "verify",
    ],
    [
      "a client certificate instead of the password",
      "hostssl all all all cert",
      unreachable("tls", "client_certificate_required"),
      "verify",
    ],
    ["the password itself, encrypted", "hostssl all all all password", "online", "verify"],
    [
      "nobody, with and without encryption",
      "host all all all reject",
      unreachable("tls", "tls_required"),
      "disable",
    ],
  ])("%s", async (_name, line, expected, mode) => {
    await server.setHba([line]);
    const { report } = await expectAt(expected, { mode });
    if (report.reason === "source_address_denied") expect(report.cause).toContain("from 127.0.0.1");
    await server.setHba(ANYONE);
  });

  test("no TLS at all", async () => {
    await server.sql("alter system set ssl = off");
    await server.setHba(ANYONE); // has it read its configuration again
    const { report } = await expectAt(unreachable("tls", "tls_unsupported"));
    expect(report.remedy[1]?.text).toContain("set config.tls.mode of the-target to disable");
    await server.setHba(["host all all 192.0.2.1/32 scram-sha-256"]);
    await expectAt(unreachable("authenticate", "source_address_denied"), { mode: "disable" });
    await server.sql("alter system reset ssl");
    await server.setHba(ANYONE);
    await expectAt("online");
  });
});

const TURNED_AWAY = "SFATAL\0C28000\0RClientAuthentication\0M";
const SSL_REQUEST_BYTES = 8;

/** Turns every login away with a message, and answers an SSLRequest with `offer`; without one it hangs up on it. */
function turnsAway(text: string, offer: string | undefined): ReturnType<typeof plain> {
  return plain(({ stream }) => {
    stream.on("error", () => {});
    stream.once("data", (bytes: Buffer) => {
      if (bytes.length !== SSL_REQUEST_BYTES) stream.end(message("E", `${TURNED_AWAY}${text}\0\0`));
      else if (offer === undefined) stream.end();
      else stream.end(offer);
    });
  });
}

describe.concurrent("a connection without encryption that is turned away", () => {
  const required = unreachable("tls", "tls_required");
  const denied = unreachable("authenticate", "source_address_denied");
  test.each<[text: string, offer: string | undefined, expected: Expected]>([
    ["no pg_hba.conf entry for host, no encryption", "S", required],
    ["no pg_hba.conf entry for host, no encryption", "N", denied],
    ["no pg_hba.conf entry for host, no encryption", undefined, required],
    ["no pg_hba.conf entry for host, SSL off", undefined, required],
    ["kein pg_hba.conf-Eintrag, keine Verschlüsselung", "S", required],
    ["kein pg_hba.conf-Eintrag, keine Verschlüsselung", undefined, denied],
  ])("%s, SSLRequest: %s", async (text, offer, expected) => {
    await using target = await turnsAway(text, offer);
    const { report } = await expectAt(expected, { port: target.port, mode: "disable" });
    if (expected === required) expect(report.remedy[1]?.text).toContain("pg_hba.conf");
    await target.idle();
  });

  test("an encrypted one that lacks a certificate, in another language", async () => {
    const bytes = message("E", `${TURNED_AWAY}Verbindung erfordert ein gültiges Client-Zertifikat\0\0`);
    await using target = await encrypted({ certificate: made.certificate, asked: true }, ({ stream }) => {
      stream.on("error", () => {});
      stream.once("data", () => stream.end(bytes));
    });
    await expectAt(unreachable("tls", "client_certificate_required"), { port: target.port });
  });
});

/** What a server says once the startup message has come; then it waits. */
async function expectSaid(bytes: Uint8Array, expected: Expected, timeoutMs = TIMEOUT_MS): Promise<Looked> {
  await using target = await speaks(bytes, { when: "data" });
  const looked = await expectAt(expected, { port: target.port, mode: "disable", timeoutMs });
  await target.idle();
  return looked;
}

describe.concurrent("messages that our server does not send", () => {
  const mismatch = unreachable("respond", "protocol_mismatch");
  const unsupported = unreachable("authenticate", "auth_method_unsupported");
  const locked: Expected = ["secret_invalid", "authenticate", "account_locked"];
  const rejected: Expected = ["secret_invalid", "authenticate", "credentials_rejected"];
  const routine = (name: string): Buffer => message("E", `SFATAL\0C28000\0Mno\0R${name}\0\0`);

  test.each<[name: string, bytes: Buffer, expected: Expected]>([
    ["GSSAPI", message("R", int32(7)), unsupported],
    ["SSPI", message("R", int32(9)), unsupported],
    ["a method of the future", message("R", int32(77)), unsupported],
    ["SASL without SCRAM", message("R", int32(10), "OAUTHBEARER\0\0"), unsupported],
    ["starting up", errorMessage("57P03"), unreachable("respond", "server_starting")],
    ["out of memory", errorMessage("53200"), unreachable("respond", "server_overloaded")],
    ["an internal error", errorMessage("XX000"), unreachable("respond", "server_error")],
    ["an error of the protocol", errorMessage("08P01"), mismatch],
    ["28000 of InitializeSessionUserId", routine("InitializeSessionUserId"), locked],
    ["28000 of auth_failed", routine("auth_failed"), rejected],
    ["an error that does not end", message("E", "S"), mismatch],
    ["an error without a code", message("E", "SFATAL\0Mno\0\0"), mismatch],
    ["a list of mechanisms that does not end", message("R", int32(10), "SCRAM"), mismatch],
    ["SCRAM's second step first", message("R", int32(11), "r=x,s=eA==,i=1"), mismatch],
    ["SCRAM's last step first", message("R", int32(12), "v=eA=="), mismatch],
    ["a message that is too short", Buffer.from("5200000003", "hex"), mismatch],
    ["a message that is too long", Buffer.from("527fffffff", "hex"), mismatch],
    ["a row before the login", message("D", Buffer.alloc(2)), mismatch],
    ["a row nobody asked for", Buffer.concat([LOGGED_IN, message("D", Buffer.alloc(2))]), mismatch],
    [
      "a row that lies about its length",
      Buffer.concat([LOGGED_IN, message("D", int32(0x7fff7fff))]),
      mismatch,
    ],
    ["a second login request", Buffer.concat([LOGGED_IN, message("R", int32(3))]), mismatch],
    ["another protocol after the login", Buffer.concat([LOGGED_IN, Buffer.from("HTTP/1.1 200")]), mismatch],
    ["version negotiation", message("v", int32(0), int32(0)), mismatch],
  ])("%s", async (_name, bytes, expected) => {
    await expectSaid(bytes, expected);
  });

  test.each<[name: string, bytes: Buffer, stage: "authenticate" | "authorize"]>([
    ["silence after the login request", message("R", int32(3)), "authenticate"],
    ["silence after the login", LOGGED_IN, "authorize"],
    ["silence after the query", Buffer.concat([LOGGED_IN, READY]), "authorize"],
  ])("%s", async (_name, bytes, stage) => {
    const { report } = await expectSaid(bytes, ["integration_unreachable", stage, "response_timeout"], 600);
    expect(report.stages.at(-1)?.stage).toBe(stage);
    expect(report.cause).toContain("within 600 ms"); // What was configured, not what was left of it.
  });

  test("an error that nobody knows is told by its code", async () => {
    await using target = await speaks(errorMessage("ZZ123", "secret words"), { when: "data" });
    const { report, unknown } = await lookAt({ port: target.port, mode: "disable" });
    expect([report.stage, report.reason]).toEqual(["respond", "unknown"]);
    expect(report.cause).toContain("ZZ123");
    expect(unknown).toHaveLength(1);
  });

  /** Logs anybody in, and answers the query with what it is given. */
  const trusting = (answer: Uint8Array) =>
    plain(({ stream }) => {
      stream.on("error", () => {});
      stream.once("data", () => {
        stream.write(Buffer.concat([LOGGED_IN, READY]));
        stream.once("data", () => stream.write(answer));
      });
    });

  test("a server that does not take the goodbye is hung up on", async () => {
    await using target = await trusting(rows(["taken", "ordinary"], ["1", "9"]));
    await expectAt("online", { port: target.port, mode: "disable" });
    await target.idle();
  });

  test("numbers that are none are not repeated", async () => {
    await using target = await trusting(rows(["taken", "ordinary"], ["app's password", "9"]));
    await expectAt(mismatch, { port: target.port, mode: "disable" });
  });

  test("an end in the middle of the query", async () => {
    await using target = await plain(({ stream }) => {
      stream.once("data", () => {
        stream.write(Buffer.concat([LOGGED_IN, READY]));
        stream.once("data", () => stream.end());
      });
    });
    const { report } = await expectAt(unreachable("respond", "connection_reset"), {
      port: target.port,
      mode: "disable",
    });
    expect(report.cause).toContain("closed the connection after a part of its answer");
  });
});
