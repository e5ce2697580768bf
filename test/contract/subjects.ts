import { startPostgres } from "../../src/demo/postgres.ts";
import { httpServer, httpsServer, silent, tlsServer } from "../fake/targets.ts";
import type { RequestListener } from "node:http";
import type { Fixtures, Healthy, Subject } from "./subject.ts";

function login(username: string, password: string): string {
  return JSON.stringify({ username, password });
}

const SECRETS = {
  right: login("app", "the right one"),
  rejected: login("app", "a wrong one"),
  powerless: login("guest", "the guest's"),
};

/** Knows two logins, of which one may look. */
const guarded: RequestListener = (request, response) => {
  const given = request.headers.authorization ?? "";
  const [app, guest] = [SECRETS.right, SECRETS.powerless].map((text) => {
    const { username, password } = JSON.parse(text) as { username: string; password: string };
    return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  });
  response.statusCode = given === app ? 200 : given === guest ? 403 : 401;
  response.end("hello");
};

const HTTP_ENDLESS = {
  prefix: `HTTP/1.1 200 OK\r\nX-Slow: ${"y".repeat(1000)}\r\n\r\n`,
  chunk: Buffer.alloc(16_384, "z"),
};

export const tcpSubject: Subject = {
  config: ({ host, port }) => ({ host, port }),
  encryption: "none",
  healthy: () => silent(),
};

export const tlsSubject: Subject = {
  config: ({ host, port }, ca) => ({ host, port, tls: { ca } }),
  encryption: "first",
  healthy: ({ certificate }) => tlsServer({ key: certificate.keyPem, cert: certificate.certPem }),
};

export const httpSubject: Subject = {
  config: ({ host, port }) => ({ url: `http://${host}:${port}/health` }),
  encryption: "none",
  healthy: async () => ({ ...(await httpServer(guarded)), secrets: SECRETS }),
  endless: HTTP_ENDLESS,
};

export const httpsSubject: Subject = {
  config: ({ host, port }, ca) => ({ url: `https://${host}:${port}/health`, tls: { ca } }),
  encryption: "first",
  async healthy({ certificate }) {
    const server = await httpsServer({ key: certificate.keyPem, cert: certificate.certPem }, guarded);
    return { ...server, secrets: SECRETS };
  },
  endless: HTTP_ENDLESS,
};

/** A notice, which a server may send at any time: `N`, its length, `SNOTICE`, and the end. */
const NOTICE = Buffer.concat([Buffer.from("4e0000000d", "hex"), Buffer.from("SNOTICE\0\0")]);
const POSTGRES_ENDLESS = {
  prefix: NOTICE,
  chunk: Buffer.concat(Array.from({ length: 1000 }, () => NOTICE)),
};

async function postgres({ certificate }: Fixtures): Promise<Healthy> {
  const server = await startPostgres({ superuserPassword: "unused here", tls: certificate });
  await server.sql(`
    create role app login password 'the right one';
    create role guest login password 'the guest''s';
    revoke connect on database postgres from public;
    grant connect on database postgres to app`);
  return { port: server.port, secrets: SECRETS, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

export const postgresSubject: Subject = {
  config: ({ host, port }, ca) => ({ host, port, database: "postgres", tls: { mode: "verify", ca } }),
  encryption: "asked",
  healthy: postgres,
  endless: POSTGRES_ENDLESS,
};

export const plainPostgresSubject: Subject = {
  config: ({ host, port }) => ({ host, port, database: "postgres", tls: { mode: "disable" } }),
  encryption: "none",
  healthy: postgres,
  endless: POSTGRES_ENDLESS,
};
