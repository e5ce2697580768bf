// The mixed targets of the checks, as each side is told of them: four parts HTTP, three TCP, two TLS whose certificate is
// verified against the same authority, each check over a connection of its own.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createAuthority } from "../src/demo/certificates.ts";
import { asked, helper, type Running } from "./processes.ts";
import type { TargetPorts } from "./targets.ts";

export interface Workload extends AsyncDisposable {
  /** Mooring's configuration. */
  readonly configuration: string;
  /** blackbox_exporter's. */
  readonly modules: string;
  /** JSON, for the scraper: [module, target]. */
  readonly list: string;
}

const MIX = ["http", "tcp", "tls", "http", "tcp", "http", "tcp", "tls", "http"] as const;
type Kind = (typeof MIX)[number];

function integration(kind: Kind, index: number, { ports, ca }: { ports: TargetPorts; ca: string }): object {
  const at = { host: "127.0.0.1", port: ports[kind] };
  if (kind === "http") return { url: `http://127.0.0.1:${at.port}/${index}` };
  return kind === "tls" ? { ...at, tls: { ca } } : at;
}

function modulesOf(ca: string): object {
  const tcp = { preferred_ip_protocol: "ip4" };
  return {
    modules: {
      http: { prober: "http", timeout: "5s", http: { preferred_ip_protocol: "ip4" } },
      tcp: { prober: "tcp", timeout: "5s", tcp },
      tls: { prober: "tcp", timeout: "5s", tcp: { ...tcp, tls: true, tls_config: { ca_file: ca } } },
    },
  };
}

/** Starts the targets, and writes what both sides need into the folder. */
export async function workload(folder: string, count: number, intervalMs: number): Promise<Workload> {
  const authority = await createAuthority("bench");
  const pair = await authority.issue({ names: ["127.0.0.1"] });
  const [ca, key, cert] = [join(folder, "ca.pem"), join(folder, "key.pem"), join(folder, "cert.pem")];
  await Promise.all([
    writeFile(ca, authority.certPem),
    writeFile(key, pair.keyPem),
    writeFile(cert, pair.certPem),
  ]);
  const targets: Running = helper("targets.ts", [key, cert]);
  const ports = await asked<TargetPorts>(targets, "ports");
  const kinds = Array.from({ length: count }, (_, index) => MIX[index % MIX.length] ?? "tcp");
  const made = {
    configuration: join(folder, "mooring.yaml"),
    modules: join(folder, "blackbox.yaml"),
    list: join(folder, "targets.json"),
  };
  const integrations = kinds.map((kind, index) => ({
    name: `target-${index}`,
    type: kind,
    interval: `${intervalMs / 1000}s`,
    timeout: "4s",
    config: integration(kind, index, { ports, ca }),
  }));
  const list = kinds.map((kind, index) => [
    kind,
    kind === "http" ? `http://127.0.0.1:${ports.http}/${index}` : `127.0.0.1:${ports[kind]}`,
  ]);
  await Promise.all([
    writeFile(made.configuration, JSON.stringify({ integrations })),
    writeFile(made.modules, JSON.stringify(modulesOf(ca))),
    writeFile(made.list, JSON.stringify(list)),
  ]);
  return { ...made, [Symbol.asyncDispose]: () => targets[Symbol.asyncDispose]() };
}
