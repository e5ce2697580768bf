import type { IncomingMessage, RequestListener } from "node:http";
import type net from "node:net";
import { createAuthority, selfSigned } from "../../src/demo/certificates.ts";
import { errorMessage, int32, LOGGED_IN, message, READY } from "../contract/postgres-messages.ts";
import { httpServer, httpsServer, scripted, type Target } from "../fake/targets.ts";

/** A login in every form that a server might repeat it in, on one line. */
export function everyForm(value: string): string {
  const bytes = Buffer.from(value);
  const forms = [value, encodeURIComponent(value), bytes.toString("base64"), bytes.toString("base64url")];
  return [...forms, bytes.toString("hex"), JSON.stringify(value)].join(" ");
}

const LINE = /[^\u0020-\u007e]/g;

function loginOf(request: IncomingMessage): string {
  const [kind, rest = ""] = (request.headers.authorization ?? "").split(" ");
  return kind === "Basic" ? Buffer.from(rest, "base64").toString() : rest;
}

/** HTTP servers that repeat the login wherever an answer has room, by the path that is asked for. */
const answer: RequestListener = (request, response) => {
  const login = loginOf(request);
  const line = everyForm(login).replaceAll(LINE, "?");
  const inUrl = encodeURIComponent(login);
  const headers = {
    "x-echo": line,
    server: line,
    "set-cookie": `login=${inUrl}`,
    "content-type": "text/plain",
  };
  const path = new URL(request.url ?? "/", "http://target").pathname;
  const said = { status: 401, headers: {} as Record<string, string> };
  if (path === "/denied")
    said.headers["www-authenticate"] = `Bearer realm="${line}", error="${line}", error_description="${line}"`;
  if (path === "/redirect")
    Object.assign(said, { status: 302, headers: { location: `/next/${inUrl}?as=${inUrl}` } });
  if (path === "/redirect-host") {
    const host = Buffer.from(login).toString("hex");
    Object.assign(said, { status: 301, headers: { location: `https://${inUrl}:${inUrl}@${host}.test/` } });
  }
  if (path === "/busy") Object.assign(said, { status: 429, headers: { "retry-after": line } });
  if (path === "/broken") said.status = 500;
  if (path === "/body" || path === "/good") said.status = 200;
  response.writeHead(said.status, line, { ...headers, ...said.headers }).end(everyForm(login));
};

export const echoingHttp = (): Promise<Target> => httpServer(answer);

/** Answers in no protocol at all: the parser's error keeps the bytes. */
export function echoingBytes(): Promise<Target> {
  return scripted((socket) => {
    socket.once("data", (chunk) => socket.end(`WHAT ${chunk.toString("latin1")}\r\n\r\n`));
  });
}

/** Servers that know the value beforehand, and whose certificates name it: their own, and their issuer. */
export async function namedInCertificate(value: string): Promise<{
  readonly named: Target & { readonly ca: string };
  readonly issued: Target;
}> {
  const hex = Buffer.from(value).toString("hex");
  const { certPem: ca, keyPem } = await selfSigned({ names: [`${hex}.test`, "other.test"] });
  const authority = await createAuthority(value);
  const { certPem: cert, keyPem: key } = await authority.issue({ names: ["127.0.0.1"] });
  const named = Object.assign(await httpsServer({ cert: ca, key: keyPem }, answer), { ca });
  return { named, issued: await httpsServer({ cert, key }, answer) };
}

/** How a PostgreSQL server lets the password be known: `accepts`, or an error of that SQLSTATE. */
export function echoingPostgres(code: string): Promise<Target> {
  return scripted((socket) => talk(socket, code));
}

function talk(socket: net.Socket, code: string): void {
  let asked = false;
  socket.on("data", (bytes: Buffer) => {
    if (!asked) {
      asked = true;
      // In plain text, so that it gets to know the password.
      return void socket.write(message("R", int32(3)));
    }
    const line = everyForm(bytes.toString("utf8", 5).replace(/\0.*$/s, ""));
    const notice = message("N", `SWARNING\0C01000\0M${line}\0\0`);
    if (code !== "accepts") {
      const details = ["D", "H", "W", "R", "s", "t", "c", "n"].map((field) => `${field}${line}\0`).join("");
      const error = message("E", `SFATAL\0C${code}\0M${line}\0${details}\0`);
      return void socket.end(Buffer.concat([notice, error]));
    }
    if (bytes[0] !== 0x70) return void socket.end(errorMessage("ZZ999", line));
    const parameter = message("S", `server_version\0${line}\0`);
    return void socket.write(Buffer.concat([LOGGED_IN, notice, parameter, READY]));
  });
}
