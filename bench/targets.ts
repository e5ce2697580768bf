// Targets of the checks, in a process of their own: HTTP, TCP and TLS on loopback. node bench/targets.ts KEY CERT
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer as createHttp } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { createServer as createTls } from "node:tls";
import { answers } from "./processes.ts";

export interface TargetPorts {
  readonly http: number;
  readonly tcp: number;
  readonly tls: number;
}

const [keyFile = "", certFile = ""] = process.argv.slice(2);
const servers = {
  http: createHttp((_request, response) => response.end("well\n")),
  tcp: createServer((socket) => socket.on("error", () => {}).resume()),
  // A server of today, as a rule: both sides agree on X25519, whatever else they offer.
  tls: createTls(
    { key: readFileSync(keyFile), cert: readFileSync(certFile), ecdhCurve: "X25519" },
    (socket) => socket.on("error", () => {}).resume(),
  ).on("tlsClientError", () => {}),
};

async function portOf(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1", 1_024);
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const ports = (async (): Promise<TargetPorts> => ({
  http: await portOf(servers.http),
  tcp: await portOf(servers.tcp),
  tls: await portOf(servers.tls),
}))();
answers({ ports: () => ports });
