import { appendFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Account, type Binaries, giveTo, run } from "./postgres-binaries.ts";

/** What a cluster is made from. */
export interface ClusterSettings {
  /** password of the superuser "postgres" over TCP */
  superuserPassword: string;
  /** PEM; without it the server speaks no TLS. `clientCaPem` is the authority client certificates are judged by */
  tls?: { certPem: string; keyPem: string; clientCaPem?: string };
  /** lines of pg_hba.conf; default: anyone by SCRAM password, with TLS or without */
  hba?: string[];
  /** lines of postgresql.conf by name, such as { max_connections: "20" } */
  settings?: Record<string, string>;
}

/** One cluster: who runs it from where, its directory (data, socket and log are below it), its TCP port. */
export interface Cluster {
  binaries: Binaries;
  directory: string;
  port: number;
}

/** The private socket's directory is closed to other accounts, so whoever comes in there is us. */
const OURSELVES = "local all postgres trust";
const ANYONE_BY_PASSWORD = ["host all all all scram-sha-256"];

/** Makes the data directory (below `cluster.directory`) and configures it; the directory must be the account's. */
export async function initialise(
  cluster: Cluster,
  settings: ClusterSettings,
  stop?: AbortSignal,
): Promise<void> {
  const { binaries, directory } = cluster;
  const { bin, account } = binaries;
  const passwordFile = join(directory, "password");
  await place(account, passwordFile, `${settings.superuserPassword}\n`);
  const args = ["-D", dataDirectory(directory), "-U", "postgres", "-A", "scram-sha-256"];
  args.push(`--pwfile=${passwordFile}`, "--no-sync", "--no-locale", "-E", "UTF8", "--wal-segsize=1");
  const { code, errors } = await run({ path: join(bin, "initdb"), args, directory }, account, stop);
  stop?.throwIfAborted();
  await rm(passwordFile);
  if (code !== 0) throw new Error(`initdb ended with ${code}: ${errors}`);
  const tls = await placeTls(cluster, settings.tls);
  const lines = { ...ownSettings(cluster), ...tls, ...settings.settings };
  await appendFile(join(dataDirectory(directory), "postgresql.conf"), configLines(lines));
  await writeHba(hbaFile(directory), settings.hba ?? ANYONE_BY_PASSWORD);
}

/** The cluster's data directory. */
export function dataDirectory(directory: string): string {
  return join(directory, "data");
}

/** The path of the cluster's pg_hba.conf. */
export function hbaFile(directory: string): string {
  return join(dataDirectory(directory), "pg_hba.conf");
}

/** Writes pg_hba.conf: our own way in, then the given lines. */
export async function writeHba(path: string, lines: string[]): Promise<void> {
  await writeFile(path, `${[OURSELVES, ...lines].join("\n")}\n`);
}

function ownSettings({ directory, port }: Cluster): Record<string, string> {
  return {
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: directory,
    fsync: "off",
    synchronous_commit: "off",
    full_page_writes: "off",
    shared_buffers: "16MB",
    io_method: "sync",
  };
}

async function placeTls(
  { binaries, directory }: Cluster,
  tls: ClusterSettings["tls"],
): Promise<Record<string, string>> {
  if (tls === undefined) return {};
  const paths = { cert: join(directory, "server.crt"), key: join(directory, "server.key") };
  await place(binaries.account, paths.cert, tls.certPem);
  await place(binaries.account, paths.key, tls.keyPem);
  const lines = { ssl: "on", ssl_cert_file: paths.cert, ssl_key_file: paths.key };
  if (tls.clientCaPem === undefined) return lines;
  const authority = join(directory, "clients.crt");
  await place(binaries.account, authority, tls.clientCaPem);
  return { ...lines, ssl_ca_file: authority };
}

/** Writes a file that only the account may read. */
async function place(account: Account, path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
  await giveTo(account, path);
}

function configLines(settings: Record<string, string>): string {
  const lines = Object.entries(settings).map(([name, value]) => {
    return `${name} = '${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'\n`;
  });
  return lines.join("");
}
