// How long from the start of `mooring check` to its first dial, against a bare Node that dials at once.
// npm run build && node bench/start.ts [ROUNDS]
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const rounds = Number(process.argv[2] ?? 15);
const directory = await mkdtemp(join(tmpdir(), "mooring-bench-"));
let dialled: () => void = () => {};
const server = createServer((socket) => {
  dialled();
  socket.on("error", () => {}).end();
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = server.address();
const port = typeof address === "object" && address !== null ? address.port : 0;
const file = join(directory, "m.yaml");
await writeFile(file, `integrations: [{name: a, type: tcp, config: {host: 127.0.0.1, port: ${port}}}]\n`);

/** Milliseconds from spawn to the connection. */
async function once(args: readonly string[]): Promise<number> {
  const first = new Promise<number>((resolve) => (dialled = () => resolve(performance.now())));
  const started = performance.now();
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  const ended = new Promise((resolve) => child.once("close", resolve));
  const at = await first;
  await ended;
  return at - started;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const bundle = fileURLToPath(new URL("../dist/mooring.js", import.meta.url));
const bare = ["-e", `require("node:net").connect(${port}, "127.0.0.1").on("close", () => {}).resume()`];
const ours = [bundle, "check", file];
const pairs: { ours: number; bare: number }[] = [];
await once(ours);
for (let round = 0; round < rounds; round += 1)
  pairs.push({ ours: await once(ours), bare: await once(bare) });
console.log(
  `mooring check: median ${median(pairs.map((pair) => pair.ours)).toFixed(0)} ms to the first dial`,
);
console.log(`bare node:     median ${median(pairs.map((pair) => pair.bare)).toFixed(0)} ms`);
console.log(
  `ratio, paired median of ${rounds}: ${median(pairs.map((pair) => pair.ours / pair.bare)).toFixed(2)}`,
);
server.close();
await rm(directory, { recursive: true });
