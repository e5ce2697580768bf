import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";

/**
 * Waits for the end of its standard input, which comes whatever ends the demo, also a SIGKILL. Then ends what was
 * started with one of the demo's folders in its arguments, and removes the folders that were not given back.
 */
const WATCH = `
const { readdirSync, readFileSync, rmSync } = require("node:fs");
const folders = new Set();
let text = "";
process.stdin.setEncoding("utf8").on("data", (chunk) => {
  const lines = (text += chunk).split("\\n");
  text = lines.pop();
  for (const line of lines) line[0] === "+" ? folders.add(line.slice(1)) : folders.delete(line.slice(1));
}).on("end", () => {
  const ours = (id) => {
    try {
      const args = readFileSync("/proc/" + id + "/cmdline", "utf8");
      return [...folders].some((folder) => args.includes(folder + "/"));
    } catch { return false; }
  };
  const ids = (() => { try { return readdirSync("/proc"); } catch { return []; } })();
  for (const id of ids.filter((id) => /^[0-9]+$/.test(id) && Number(id) !== process.pid && ours(id))) {
    try { process.kill(Number(id), "SIGKILL"); } catch {}
  }
  for (let tries = 0; tries < 100; tries += 1) {
    for (const folder of folders) try { rmSync(folder, { recursive: true, force: true }); folders.delete(folder); } catch {}
    if (folders.size === 0) return;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  }
});
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(name, () => {});
`;

/** Cleans up after a demo that could not: it is killed, or its machine's session ends. */
export class Guard implements Disposable {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = spawn(process.execPath, ["-e", WATCH], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    });
    this.#child.on("error", () => {}); // Without it a crash leaves its folders, no more than that.
    this.#child.stdin?.on("error", () => {});
    this.#child.unref();
  }

  /** The folder is the demo's, with whatever runs in it. */
  watch(folder: string): void {
    this.#child.stdin?.write(`+${folder}\n`);
  }

  /** The demo has ended what it started. */
  [Symbol.dispose](): void {
    this.#child.stdin?.end();
  }
}
