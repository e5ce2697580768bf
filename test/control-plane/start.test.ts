import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import net from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import tls from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentLog } from "../../src/control-plane/log.ts";
import { startControlPlane } from "../../src/control-plane/main.ts";
import { originsOf } from "../../src/control-plane/origin.ts";
import { parseListen, type Settings, SettingsError, StartError } from "../../src/control-plane/settings.ts";
import { selfSigned } from "../../src/demo/certificates.ts";
import { FakeConnector } from "../fake/connector.ts";
import { started } from "./started.ts";

let dir: string;
let count = 0;
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "mooring-start-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

function settings(changes: Partial<Settings> = {}): Settings {
  const dataDir = path.join(dir, `data-${(count += 1)}`);
  const listen = { host: "127.0.0.1", port: 0 };
  return { listen, dataDir, liveness: "standard", version: "0", log: silentLog, ...changes };
}

test.each<[string, Partial<Settings>, string]>([
  [
    "plain over a network",
    { listen: { host: "0.0.0.0", port: 7480 } },
    "--listen 0.0.0.0:7480 is not loopback: give --tls-cert and --tls-key, or --behind-tls-proxy where a proxy in front ends TLS.",
  ],
  [
    "a time scale over a network",
    { timeScale: 0.5, healthListen: { host: "0.0.0.0", port: 1 } },
    "MOORING_TIME_SCALE is for tests: every listener must be loopback.",
  ],
  ["a time scale that is none", { timeScale: 2 }, "MOORING_TIME_SCALE: 2 is not between 0.01 and 1."],
  [
    "a public URL with a path",
    { publicUrl: "https://a.example/x" },
    "--public-url: https://a.example/x is not an origin such as https://mooring.example.com.",
  ],
  [
    "a plain public URL",
    { publicUrl: "http://a.example" },
    "--public-url: http://a.example is plain; connectors speak TLS to any but a loopback address.",
  ],
  ["a short token", { operatorToken: "short" }, "The operator token has 5 characters; give it at least 16."],
])("%s", async (_name, changes, message) => {
  await expect(startControlPlane(settings(changes))).rejects.toThrow(new SettingsError(message));
});

test("HOST:PORT", () => {
  expect(parseListen("[::1]:7480", "--listen")).toEqual({ host: "::1", port: 7480 });
  expect(() => parseListen("7480", "--listen")).toThrow(
    "--listen: 7480 is not HOST:PORT, such as 127.0.0.1:7480.",
  );
});

test("a port in use", async () => {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  const starting = startControlPlane(settings({ listen: { host: "127.0.0.1", port } }));
  await expect(starting).rejects.toThrow(
    new StartError(
      `--listen 127.0.0.1:${port}: the port is in use. Stop what listens there, or name another port.`,
    ),
  );
  server.close();
});

test("a data directory that is a file, in use, another program's, or with an empty token", async () => {
  const file = path.join(dir, "file");
  await writeFile(file, "");
  await expect(startControlPlane(settings({ dataDir: file }))).rejects.toThrow(
    `--data ${file}: it is not a directory. Name a directory that this user may write.`,
  );
  const used = settings();
  const first = await startControlPlane(used);
  await expect(startControlPlane(used)).rejects.toThrow(
    `--data ${used.dataDir} is in use by another control plane. Stop it, or name another directory.`,
  );
  await first.close();
  await (await startControlPlane(used)).close();
  const database = path.join(used.dataDir, "mooring.db");
  await rm(database);
  new DatabaseSync(database).exec("create table t (a)");
  await expect(startControlPlane(used)).rejects.toThrow(`${database} is a database of another program.`);
  const token = path.join(used.dataDir, "operator-token");
  await rm(database);
  await writeFile(token, "");
  await expect(startControlPlane(used)).rejects.toThrow(
    `${token} holds no token. Remove it to have a new one made.`,
  );
});

test("certificates that cannot be read, or that do not fit", async () => {
  const certFile = path.join(dir, "cert.pem");
  const keyFile = path.join(dir, "key.pem");
  await expect(startControlPlane(settings({ tls: { certFile, keyFile } }))).rejects.toThrow(
    `--tls-cert ${certFile} cannot be read (ENOENT).`,
  );
  await writeFile(certFile, (await selfSigned({ names: ["127.0.0.1"] })).certPem);
  await writeFile(keyFile, (await selfSigned({ names: ["127.0.0.1"] })).keyPem);
  await expect(startControlPlane(settings({ tls: { certFile, keyFile } }))).rejects.toThrow(
    "are no certificate and its key (PEM) that fit each other.",
  );
});

async function fingerprint(port: number): Promise<string> {
  const socket = tls.connect({ host: "127.0.0.1", port, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

test("a certificate that changes is read anew; one that is broken is not", async () => {
  const certFile = path.join(dir, "live-cert.pem");
  const keyFile = path.join(dir, "live-key.pem");
  const write = async (pair: { certPem: string; keyPem: string }): Promise<void> => {
    await writeFile(certFile, pair.certPem);
    await writeFile(keyFile, pair.keyPem);
  };
  await write(await selfSigned({ names: ["127.0.0.1"] }));
  const plane = await startControlPlane(settings({ tls: { certFile, keyFile }, timeScale: 0.01 }));
  expect(plane.publicUrl).toBe(`https://127.0.0.1:${plane.address.port}`);
  const first = await fingerprint(plane.address.port);
  await write(await selfSigned({ names: ["127.0.0.1"] }));
  let now = first;
  for (let tries = 0; tries < 50 && now === first; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    now = await fingerprint(plane.address.port);
  }
  expect(now).not.toBe(first);
  await writeFile(certFile, "broken");
  await new Promise((resolve) => setTimeout(resolve, 250));
  expect(await fingerprint(plane.address.port)).toBe(now);
  await plane.close();
});

test("health has a listener of its own where one is named, and none where the main one is not loopback", async () => {
  const plane = await startControlPlane(settings({ healthListen: { host: "127.0.0.1", port: 0 } }));
  const health = `http://127.0.0.1:${plane.healthAddress?.port}`;
  expect((await fetch(`${health}/livez`)).status).toBe(200);
  expect((await fetch(`${health}/api/v1/connectors`)).status).toBe(404);
  expect((await fetch(`${plane.publicUrl}/livez`)).status).toBe(404);
  await plane.close();
});

test("given tokens are used, and no files are made", async () => {
  const given = settings({ operatorToken: "operator-operator-1", viewerToken: "viewer-viewer-viewer" });
  const plane = await startControlPlane(given);
  const headers = { authorization: "Bearer operator-operator-1" };
  expect((await fetch(`${plane.publicUrl}/api/v1/tokens`, { headers })).status).toBe(200);
  expect(plane.operatorTokenFile).toBeUndefined();
  await expect(readFile(path.join(given.dataDir, "operator-token"))).rejects.toThrow("ENOENT");
  await plane.close();
});

test("stopping tells every connector to come back, and when", async () => {
  const plane = await started();
  await using connector = await FakeConnector.ready(plane.origin, await plane.enrolled("leaving"));
  const [goaway, closed] = [connector.until("session.goaway"), connector.closed()];
  await plane[Symbol.asyncDispose]();
  expect((await goaway).data).toMatchObject({ reason: "shutdown", makeBeforeBreak: false });
  expect((await closed).code).toBe(1012);
});

test("stopping does not wait for a connector that never ends", async () => {
  const plane = await started();
  const identity = await plane.enrolled("frozen");
  const [idle, frozen] = [
    await FakeConnector.open(plane.origin, identity),
    await FakeConnector.ready(plane.origin, identity),
  ];
  frozen.socket.pause();
  const since = performance.now();
  await plane[Symbol.asyncDispose]();
  expect(performance.now() - since).toBeLessThan(3_000);
  idle.socket.terminate();
  frozen.socket.terminate();
});

test("a listener is known by its own names, a public URL by itself alone", () => {
  const own = originsOf(undefined, { scheme: "http", host: "127.0.0.1", port: 7480 });
  expect(own.audiences).toEqual(["http://127.0.0.1:7480", "http://localhost:7480", "http://[::1]:7480"]);
  expect(
    ["localhost:7480", "LOCALHOST:7480", "[::1]:7480", "evil:7480", "127.0.0.1"].map((host) =>
      own.isHost(host),
    ),
  ).toEqual([true, true, true, false, false]);
  const all = originsOf(undefined, { scheme: "https", host: "0.0.0.0", port: 1 });
  expect([all.isHost("127.0.0.1:1"), all.isHost("evil:1")]).toEqual([true, false]);
  const named = originsOf("https://mooring.example", { scheme: "http", host: "127.0.0.1", port: 7480 });
  expect([
    named.isHost("mooring.example"),
    named.isHost("mooring.example:443"),
    named.isHost("127.0.0.1:7480"),
  ]).toEqual([true, true, false]);
  expect([named.isOrigin("https://mooring.example"), named.isOrigin("null")]).toEqual([true, false]);
});

test.skipIf(process.getuid?.() === 0)("a data directory that cannot be written", async () => {
  const locked = path.join(dir, "locked");
  await (await startControlPlane(settings({ dataDir: locked }))).close();
  await chmod(locked, 0o500);
  await expect(startControlPlane(settings({ dataDir: locked }))).rejects.toThrow(
    "cannot be written (EACCES)",
  );
});
