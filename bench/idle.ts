// What the programs need while nothing happens: RSS of the bundled connector with 200 targets, RSS of the bundled
// control plane with 1,000 connectors, and its CPU for a heartbeat; a bare Node in the same run. Linux alone (/proc).
// npm run build && node bench/idle.ts [SECONDS]
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Api, joinToken } from "./join-token.ts";
import { STANDARD } from "../src/protocol/limits.ts";
import { enrolWith, FakeConnector, fakeReport } from "../test/fake/connector.ts";

const TARGETS = 200;
const CONNECTORS = 1_000;
/** Integrations that each of them tells. */
const INTEGRATIONS = 10;
/** The connector's bound, MB. */
const BOUND_MB = 75;
/** Connectors that enrol and connect at one time. */
const AT_ONCE = 20;
const PATIENCE_MS = 60_000;

const bundle = fileURLToPath(new URL("../dist/mooring.js", import.meta.url));
const self = fileURLToPath(import.meta.url);
const ticksPerSecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** Resident memory, MB. */
async function rssOf(pid: number): Promise<number> {
  const [, kilobytes = ""] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) / 1000;
}

/** CPU time that a process has used, milliseconds. */
async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1000;
}

interface Window {
  readonly medianMb: number;
  readonly mostMb: number;
  readonly cpuMs: number;
}

/** A process looked at every second, for so many seconds. */
async function watched(pid: number, seconds: number): Promise<Window> {
  const before = await cpuOf(pid);
  const rss: number[] = [];
  for (let second = 0; second < seconds; second += 1) {
    await pause(1_000);
    rss.push(await rssOf(pid));
  }
  const sorted = rss.toSorted((a, b) => a - b);
  const cpuMs = (await cpuOf(pid)) - before;
  return {
    medianMb: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN,
    mostMb: sorted.at(-1) ?? Number.NaN,
    cpuMs,
  };
}

function told({ medianMb, mostMb, cpuMs }: Window, seconds: number): string {
  return `RSS median ${medianMb.toFixed(1)} MB, most ${mostMb.toFixed(1)} MB; CPU ${(cpuMs / seconds).toFixed(2)} ms/s`;
}

/** Starts a Node process that is killed, by its pid, when it is disposed. */
function node(
  args: readonly string[],
): AsyncDisposable & { readonly child: ChildProcess; readonly pid: number } {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "close");
  return {
    child,
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function answers(url: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const status = await fetch(url).then(
      (response) => response.status,
      () => undefined,
    );
    if (status === 200) return;
    if (performance.now() > deadline) throw new Error(`${url} did not answer 200`);
    await pause(50);
  }
}

/** A loopback port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** One connector of the fleet: it tells what it has, and then beats for good. */
async function member(api: Api, index: number, onBeat: () => void): Promise<void> {
  const identity = await enrolWith(api.origin, await joinToken(api, `fleet-${index}`));
  const connector = await FakeConnector.ready(api.origin, identity);
  const names = Array.from({ length: INTEGRATIONS }, (_, item) => `integration-${item}`);
  connector.tellAll(names.map((name) => connector.snapshotItem(fakeReport(name))));
  await connector.acked(1);
  const beat = (): void => {
    connector.received.length = 0;
    connector.beat();
    onBeat();
    setTimeout(beat, STANDARD.heartbeatMs * (0.9 + 0.1 * Math.random()));
  };
  setTimeout(beat, Math.random() * STANDARD.heartbeatMs);
}

/** The child process: all connectors, over loopback. Says `ready`, then the beats so far, every second. */
async function fleet(api: Api): Promise<void> {
  let beats = 0;
  const onBeat = (): void => void (beats += 1);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < CONNECTORS) await member(api, next++, onBeat);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  process.stdout.write("ready\n");
  setInterval(() => process.stdout.write(`${beats}\n`), 1_000);
}

/** What the child said last. */
function listened(child: ChildProcess): { last: string } {
  const heard = { last: "" };
  child.stdout
    ?.setEncoding("utf8")
    .on("data", (text: string) => (heard.last = text.trim().split("\n").at(-1) ?? ""));
  return heard;
}

async function theConnector(directory: string, api: Api, seconds: number): Promise<Window> {
  const target = createServer((socket) => socket.on("error", () => {}).end()).listen(0, "127.0.0.1");
  await once(target, "listening");
  const address = target.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const integrations = Array.from({ length: TARGETS }, (_, index) => ({
    name: `target-${index}`,
    type: "tcp",
    config: { host: "127.0.0.1", port },
  }));
  await writeFile(join(directory, "m.yaml"), JSON.stringify({ integrations }));
  await writeFile(join(directory, "join"), await joinToken(api, "bench"));
  const health = `127.0.0.1:${await freePort()}`;
  const enrolment = ["--join-token-file", join(directory, "join"), "--state", join(directory, "state")];
  const args = ["connector", join(directory, "m.yaml"), "--control-plane", api.origin, ...enrolment];
  await using connector = node([bundle, ...args, "--listen", health]);
  connector.child.stdout?.resume();
  await answers(`http://${health}/readyz`);
  // Every target was looked at once, and again: the first minute is not idle.
  await pause(20_000);
  const window = await watched(connector.pid, seconds);
  target.close();
  return window;
}

async function measure(seconds: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "mooring-bench-"));
  try {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const args = ["control-plane", "--listen", `127.0.0.1:${port}`, "--data", join(directory, "data")];
    await using plane = node([bundle, ...args]);
    plane.child.stdout?.resume();
    await using bare = node(["-e", "setInterval(() => {}, 1000)"]);
    await answers(`${origin}/readyz`);
    const token = (await readFile(join(directory, "data", "operator-token"), "utf8")).trim();
    const api = { origin, token };
    const [empty, peer] = await Promise.all([watched(plane.pid, 10), watched(bare.pid, 10)]);
    console.log(`bare node with a timer:                        ${told(peer, 10)}`);
    console.log(`control plane without a connector:             ${told(empty, 10)}`);
    const connector = await theConnector(directory, api, seconds);
    console.log(
      `connector, ${TARGETS} tcp targets every 60 s, a session: ${told(connector, seconds)} (bound ${BOUND_MB} MB, ${(connector.medianMb / peer.medianMb).toFixed(2)} × bare)`,
    );
    await using children = node([self, "fleet", origin, token]);
    const heard = listened(children.child);
    const deadline = performance.now() + 2 * PATIENCE_MS;
    while (!/^(ready|\d+)$/.test(heard.last)) {
      if (performance.now() > deadline) throw new Error("the fleet did not connect");
      await pause(100);
    }
    // The first beats come within one interval.
    await pause(STANDARD.heartbeatMs);
    const before = Number(heard.last);
    const window = await watched(plane.pid, seconds);
    const beats = Number(heard.last) - before;
    const idleMs = (empty.cpuMs / 10) * seconds;
    console.log(
      `control plane, ${CONNECTORS} connectors of ${INTEGRATIONS}:         ${told(window, seconds)} (${(window.medianMb / peer.medianMb).toFixed(2)} × bare)`,
    );
    console.log(
      `CPU for a heartbeat: ${(((window.cpuMs - idleMs) / beats) * 1000).toFixed(0)} µs (${beats} beats in ${seconds} s, what it needs without a connector taken off)`,
    );
    if (connector.mostMb > BOUND_MB) process.exitCode = 1;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const [mode, origin = "", token = ""] = process.argv.slice(2);
if (mode === "fleet") await fleet({ origin, token });
else await measure(Number(mode ?? 30));
