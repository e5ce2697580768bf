/**
 * Kubernetes' servers that both levels have: etcd, kube-apiserver, kube-controller-manager.
 *
 * The API server is a real one: RBAC and the node authorizer, no anonymous requests, TokenRequest, TokenReview.
 * Users and their tokens are in `directory/tokens.csv` (USERS). TLS: a certificate that the server makes itself;
 * `directory/certs/apiserver.crt` is also the authority that clients need.
 */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { program } from "./binaries.ts";
import { type Client, kubeconfigText } from "./client.ts";
import { type Server, startServer } from "./processes.ts";

/** Where the servers run. */
export interface Place {
  /** For data, logs, keys; absolute. */
  readonly directory: string;
  /** The API server's address, as clients dial it. */
  readonly address: string;
  readonly ports: { readonly api: number; readonly etcd: number; readonly etcdPeers: number };
  /** The Services' addresses, e.g. 198.18.0.0/24. */
  readonly serviceRange: string;
  /** What goes before each command to enter the place; empty where there is nothing to enter. */
  readonly enter: readonly string[];
}

const ISSUER = "https://kubernetes.default.svc";

/** Each user with its groups, by RBAC's own names. */
const USERS = {
  admin: "system:masters",
  "system:kube-controller-manager": "",
  "system:kube-scheduler": "",
  "system:kube-proxy": "",
  // Kubernetes itself binds no role to it, and what a name server may read is nobody's test.
  "system:coredns": "system:masters",
  "system:node:n1": "system:nodes",
} as const;
export type User = keyof typeof USERS;
export type Tokens = Readonly<Record<User, string>>;

/** Makes the tokens' file and the key that signs ServiceAccounts' tokens. */
export async function prepare({ directory }: Place): Promise<Tokens> {
  const tokens = Object.fromEntries(
    Object.keys(USERS).map((user) => [user, randomBytes(16).toString("hex")]),
  ) as Tokens;
  const lines = Object.entries(USERS).map(
    ([user, groups]) => `${tokens[user as User]},${user},${user},"${groups}"`,
  );
  await writeFile(join(directory, "tokens.csv"), `${lines.join("\n")}\n`, { mode: 0o600 });
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = privateKey.export({ type: "pkcs8", format: "pem" });
  await writeFile(join(directory, "accounts.key"), key, { mode: 0o600 });
  return tokens;
}

/** Starts etcd, which keeps nothing safe: it is gone after the test anyway. */
export async function startEtcd(place: Place): Promise<Server> {
  const listen = `http://127.0.0.1:${place.ports.etcd}`;
  const peers = `http://127.0.0.1:${place.ports.etcdPeers}`;
  const flags = [
    ["--data-dir", join(place.directory, "etcd")],
    ["--listen-client-urls", listen],
    ["--advertise-client-urls", listen],
    ["--listen-peer-urls", peers],
    ["--initial-advertise-peer-urls", peers],
    ["--initial-cluster", `default=${peers}`],
  ].flat();
  const line = [...place.enter, program("etcd"), "--unsafe-no-fsync", ...flags];
  const server = startServer("etcd", line, place.directory);
  // Elsewhere than on this machine's own loopback it is the API server that waits for it.
  if (place.enter.length === 0) await server.until(() => answers(`${listen}/health`));
  return server;
}

/** True when a GET is answered with 200. */
function answers(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request(url, { timeout: 1_000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(false)).end();
  });
}

export function caFile({ directory }: Place): string {
  return join(directory, "certs", "apiserver.crt");
}

/** Starts the API server. It is ready when `client` says so. */
export async function startApiServer(
  place: Place,
  client: Client,
  further: readonly string[] = [],
): Promise<Server> {
  const { directory, address, ports } = place;
  const key = join(directory, "accounts.key");
  const flags = [
    ["--etcd-servers", `http://127.0.0.1:${ports.etcd}`],
    ["--cert-dir", join(directory, "certs")],
    ["--bind-address", address],
    ["--advertise-address", address],
    ["--secure-port", String(ports.api)],
    ["--service-cluster-ip-range", place.serviceRange],
    ["--service-account-issuer", ISSUER],
    ["--service-account-key-file", key],
    ["--service-account-signing-key-file", key],
    ["--token-auth-file", join(directory, "tokens.csv")],
    ["--authorization-mode", "Node,RBAC"],
  ].flat();
  const line = [...place.enter, program("kube-apiserver"), "--anonymous-auth=false", ...flags, ...further];
  const server = startServer("kube-apiserver", line, directory);
  await server.until(async () => existsSync(caFile(place)) && (await client.isReady()));
  return server;
}

/** Writes a user's kubeconfig for one of Kubernetes' own programs, and gives its path. */
export async function kubeconfigOf(place: Place, user: User, tokens: Tokens): Promise<string> {
  const path = join(place.directory, `${user.replaceAll(":", "-")}.kubeconfig`);
  const server = `https://${place.address}:${place.ports.api}`;
  const text = kubeconfigText({ server, caFile: caFile(place), token: tokens[user] });
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

/** Starts the controllers (namespaces, ServiceAccounts, Deployments, garbage collection …). */
export async function startControllerManager(place: Place, tokens: Tokens): Promise<Server> {
  const { directory } = place;
  const flags = [
    ["--kubeconfig", await kubeconfigOf(place, "system:kube-controller-manager", tokens)],
    ["--service-account-private-key-file", join(directory, "accounts.key")],
    ["--root-ca-file", caFile(place)],
    ["--secure-port", "0"],
    // Its own default, 20 calls a second, makes each start wait for 4 s.
    ["--kube-api-qps", "500"],
    ["--kube-api-burst", "500"],
  ].flat();
  const switches = ["--use-service-account-credentials", "--leader-elect=false"];
  const line = [...place.enter, program("kube-controller-manager"), ...switches, ...flags];
  return startServer("kube-controller-manager", line, directory);
}
