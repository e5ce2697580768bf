#!/usr/bin/env node
// Starts Mooring on a Node that can run it. This file must run on any Node, so it is plain JavaScript.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const source = new URL("../src/cli/main.ts", import.meta.url);
const bundle = new URL("../dist/mooring.js", import.meta.url);
const entry = existsSync(source) ? source : bundle;

/**
 * A server that a connector talks to may not make it run code: V8 refuses to compile strings. That must be so from the
 * start of a process, so it starts itself anew, in place. Where that cannot be, it runs without.
 */
const LOCK = "--disallow-code-generation-from-strings";
/** Node's report of a crash holds the environment, and that may hold secrets: out of memory, only this keeps it out. */
const NO_ENVIRONMENT = "--report-exclude-env";
const isConnector = process.argv[2] === "connector";

function mustLock() {
  const given = [...process.execArgv, process.env.NODE_OPTIONS ?? ""].join(" ");
  return isConnector && !given.includes(LOCK);
}

function lock() {
  const args = [
    ...process.execArgv,
    LOCK,
    NO_ENVIRONMENT,
    fileURLToPath(import.meta.url),
    ...process.argv.slice(2),
  ];
  try {
    process.execve?.(process.execPath, [process.execPath, ...args], process.env);
  } catch {
    // Windows, or a process that may start none.
  }
}

/** Started by the other half of this file: killed hard, that one cannot say so, but the channel to it ends. */
function endWithParent() {
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  process.channel.unref();
}

if (major > 24 || (major === 24 && minor >= 12)) {
  if (mustLock()) lock();
  if (process.channel !== undefined) endWithParent();
  await import(entry.href);
} else {
  const node = fileURLToPath(new URL("../node_modules/node/bin/node", import.meta.url));
  if (!existsSync(node)) {
    console.error(
      `mooring: this is Node ${process.versions.node}, and Mooring needs 24.12 or newer; install that, or run npm ci in the clone.`,
    );
    process.exit(2);
  }
  const child = spawn(
    node,
    [
      ...(isConnector ? [LOCK, NO_ENVIRONMENT] : []),
      fileURLToPath(import.meta.url),
      ...process.argv.slice(2),
    ],
    { stdio: ["inherit", "inherit", "inherit", "ipc"] },
  );
  // A terminal sends these two to the child as well, and twice would mean "at once": only its end is waited for.
  for (const signal of ["SIGINT", "SIGHUP"]) process.on(signal, () => {});
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("exit", (code, signal) => {
    if (signal !== null) {
      process.removeAllListeners(signal);
      process.kill(process.pid, signal);
    } else process.exitCode = code ?? 1;
  });
}
