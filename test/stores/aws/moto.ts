import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { once } from "node:events";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const VERSION = "5.2.5";
const CACHE = join(homedir(), ".cache/mooring-tests", `moto-${VERSION}`);
const SERVER = join(CACHE, "bin/moto_server");

/** The server of moto, in a Python environment that is made on first use. Throws one line where it cannot be made. */
function installed(): string {
  const complete = join(CACHE, "complete");
  if (existsSync(complete)) return SERVER;
  mkdirSync(join(CACHE, ".."), { recursive: true });
  rmSync(CACHE, { recursive: true, force: true });
  run("python3", ["-m", "venv", CACHE]);
  const wish = `moto[server,secretsmanager,sts,iam]==${VERSION}`;
  run(join(CACHE, "bin/pip"), ["install", "--quiet", "--disable-pip-version-check", wish]);
  writeFileSync(complete, "");
  return SERVER;
}

function run(command: string, args: readonly string[]): void {
  const { status, error, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0)
    throw new Error(`${command} ${args.join(" ")}: ${error?.message ?? stderr.trim().split("\n").at(-1)}`);
}

export interface Moto extends AsyncDisposable {
  readonly url: string;
}

/** A moto of its own, on a port of its own. */
export async function startMoto(): Promise<Moto> {
  const server = installed();
  const port = await freePort();
  const child = spawn(server, ["-H", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
  const url = `http://127.0.0.1:${port}`;
  try {
    await answering(url, child);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  return { url, [Symbol.asyncDispose]: () => ended(child) };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function answering(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`moto ended with ${child.exitCode}`);
    const answer = await fetch(`${url}/moto-api/`).catch(() => undefined);
    if (answer?.ok === true) return;
    await sleep(100);
  }
  throw new Error("moto did not answer within 60 s");
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
