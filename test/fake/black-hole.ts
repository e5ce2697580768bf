import { once } from "node:events";
import net from "node:net";
import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Target, Where } from "./target.ts";

/** Longest a loopback connect may take before it counts as hanging, in milliseconds. */
const HANGS_AFTER_MS = 150;
/** A backlog of 1 holds two connections; a kernel that takes more than this never says no. */
const MOST_FILLERS = 16;

/** Listens with a backlog of 1, tells the port, and then accepts nothing until the gate is opened. */
const LISTENER = `
const { parentPort, workerData } = require("node:worker_threads");
const server = require("node:net").createServer((socket) => socket.destroy());
server.listen({ port: 0, host: workerData.host, backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  Atomics.wait(workerData.gate, 0, 0);
  process.exit();
});
`;

/**
 * An address where a connect hangs: its accept queue is full and its owner accepts nothing, so the kernel
 * drops every SYN. Throws if this machine's kernel answers all the same.
 */
export async function blackHole(where: Where = {}): Promise<Target> {
  const host = where.host ?? "127.0.0.1";
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(LISTENER, { eval: true, workerData: { host, gate } });
  const [port] = (await once(worker, "message")) as [number];
  const fillers: net.Socket[] = [];
  const hole: Target = {
    host,
    port,
    accepted: () => 0,
    open: () => 0,
    idle: () => Promise.resolve(),
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy();
      const ended = once(worker, "exit");
      Atomics.store(gate, 0, 1);
      Atomics.notify(gate, 0);
      await ended;
    },
  };
  if (await fill(fillers, { host, port })) return hole;
  await hole[Symbol.asyncDispose]();
  throw new Error(`no black hole here: ${MOST_FILLERS} connects to a backlog of 1 were all answered`);
}

/** Connects until a connect hangs. True if one did. */
async function fill(fillers: net.Socket[], to: { host: string; port: number }): Promise<boolean> {
  while (fillers.length < MOST_FILLERS) {
    const filler = net.connect(to);
    filler.on("error", () => {});
    fillers.push(filler);
    if (await hangs(filler)) return true;
  }
  return false;
}

async function hangs(filler: net.Socket): Promise<boolean> {
  try {
    await once(filler, "connect", { signal: AbortSignal.timeout(HANGS_AFTER_MS) });
    return false;
  } catch {
    // a late timer is no proof: what has already arrived is handled before the next immediate
    await setImmediate();
    return filler.connecting;
  }
}
