import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { stringify } from "yaml";
import manifest from "../../package.json" with { type: "json" };
import type { Secrets } from "../demo/secrets.ts";
import type { Targets } from "../demo/site.ts";
import type { Toggle } from "../demo/toggle.ts";
import { checkAll, configurationOf } from "./check.ts";
import { type Command, type Given, UsageError } from "./command.ts";
import { listenOf, tokenIn } from "./settings.ts";

/**
 * Everything on this machine: control plane, connector and real targets, most of them broken on purpose. Some
 * targets come from development dependencies (a PostgreSQL, a maker of certificates): without them it says so.
 */
export const demo: Command = {
  name: "demo",
  usage: "demo [--listen HOST:PORT] [--no-keys] | demo --once [--json]",
  says: "Runs everything on this machine: control plane with its page, connector, real targets, most of them broken on purpose. Keys break and heal them. Leaves nothing behind.",
  flags: {
    listen: { value: "HOST:PORT", says: "the page; 127.0.0.1:7480, or the next free port" },
    "no-keys": { says: "read no keys; ended by a signal" },
    once: { says: "no page: check each target once, and end" },
    json: { says: "with --once: print the reports as JSON" },
  },
  args: [0, 0],
  async run(given) {
    using stopped = new Stopped();
    await using stack = new AsyncDisposableStack(); // Its clean-up is awaited before the signals count again.
    try {
      const started = await start(stack, stopped.signal);
      stopped.signal.throwIfAborted();
      if (!given.isSet("json")) process.stdout.write(started.said);
      if (given.isSet("once")) await showOnce(started, given.isSet("json"), stopped.signal);
      else await live(stack, started, given, stopped.signal);
    } catch (error) {
      if (stopped.code === undefined) throw error; // Else it is what the stop has cut short.
    }
    return stopped.code ?? 0;
  },
};

/** Checks everything once. Says nothing after a stop. */
async function showOnce({ file }: Started, json: boolean, signal: AbortSignal): Promise<void> {
  await checkAll(await configurationOf(file), { json, signal });
}

/** Runs until `q` or a signal. */
async function live(
  stack: AsyncDisposableStack,
  started: Started,
  given: Given,
  stop: AbortSignal,
): Promise<void> {
  const { startFleet } = await import("../demo/fleet.ts");
  const { StartError, SettingsError } = await import("../control-plane/settings.ts");
  const { directory, file } = started;
  const fleet = await startFleet(stack, {
    directory,
    file,
    listen: listenOf("demo", "listen", given),
    operatorToken: await tokenIn("demo", "MOORING_OPERATOR_TOKEN_FILE"),
    version: manifest.version,
    program: [...process.execArgv, process.argv[1] ?? ""],
  }).catch((error: unknown) => {
    if (!(error instanceof StartError) && !(error instanceof SettingsError)) throw error;
    throw new UsageError(`mooring demo: ${error.message}`);
  });
  const { controlPlane, connector } = fleet;
  const toggles = [...started.toggles, ...connector.toggles()];
  const keys = !given.isSet("no-keys");
  process.stdout.write(greeting(controlPlane.publicUrl, controlPlane.makeLink(), keys ? toggles : []));
  await (keys ? readKeys(toggles, controlPlane, stop) : aborted(stop));
}

function greeting(url: string, link: string, toggles: readonly Toggle[]): string {
  const lines = [
    "Mooring runs on this machine, with targets that are mostly broken on purpose.",
    "",
    `  ${url}`,
    "",
  ];
  lines.push("Open this link once, within five minutes; it signs you in:", "", `  ${link}`, "");
  if (toggles.length > 0) lines.push(menu(toggles));
  return `${lines.join("\n")}\n`;
}

function menu(toggles: readonly Toggle[]): string {
  const rows = toggles.map((one) => `  ${one.key}  ${one.says()}`);
  return ["Keys", ...rows, "  l  a new sign-in link", "  q  end", ""].join("\n");
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}

/** Takes single keys until `q`, Ctrl-C or the signal. One after the other: a press waits for what the last one does. */
async function readKeys(
  toggles: readonly Toggle[],
  links: { makeLink(): string },
  stop: AbortSignal,
): Promise<void> {
  const { stdin, stdout } = process;
  const over = new AbortController();
  let working = Promise.resolve();
  const press = async (key: string): Promise<void> => {
    if (key === "l") return void stdout.write(`  ${links.makeLink()}\n`);
    const chosen = toggles.find((one) => one.key === key);
    if (chosen === undefined || over.signal.aborted) return;
    stdout.write(`${await chosen.flip()}\n\n${menu(toggles)}\n`);
  };
  const onData = (chunk: Buffer): void => {
    for (const key of chunk.toString("utf8")) {
      if (key === "q" || key === "\u0003" || key === "\u0004") return over.abort();
      working = working
        .then(() => press(key))
        .catch((error: unknown) => void stdout.write(`That failed: ${String(error)}\n`));
    }
  };
  // A pipe has no raw mode: its bytes are keys as they are.
  if (stdin.isTTY) stdin.setRawMode(true);
  stdin.on("data", onData).resume();
  await aborted(AbortSignal.any([stop, over.signal]));
  if (stdin.isTTY) stdin.setRawMode(false);
  stdin.off("data", onData).pause();
  await working;
}

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/** Takes the signals that end a program, however often they come, so that what was started is ended first. */
class Stopped implements Disposable {
  readonly #stop = new AbortController();
  /** The exit code, once a signal has come. */
  code: number | undefined;

  readonly #onSignal = (name: NodeJS.Signals): void => {
    this.code ??= SIGNALS[name as keyof typeof SIGNALS];
    this.#stop.abort();
  };

  constructor() {
    for (const name of Object.keys(SIGNALS)) process.on(name, this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  [Symbol.dispose](): void {
    for (const name of Object.keys(SIGNALS)) process.removeListener(name, this.#onSignal);
  }
}

interface Started {
  readonly directory: string;
  /** The configuration file. */
  readonly file: string;
  readonly said: string;
  readonly toggles: readonly Toggle[];
}

/** Starts the targets, and writes the configuration that names them. */
async function start(stack: AsyncDisposableStack, stop: AbortSignal): Promise<Started> {
  const { Guard } = await import("../demo/guard.ts");
  const guard = stack.use(new Guard());
  const secrets = stack.use(await ownFolder());
  guard.watch(secrets.directory);
  const { startSite } = await import("../demo/site.ts");
  const all = [await startSite(stack, secrets)];
  const absent: string[] = [];
  const add = async (what: string, targets: () => Promise<Targets>): Promise<void> => {
    try {
      all.push(await targets());
    } catch (error) {
      const why = whyAbsent(error);
      if (why === undefined) throw error;
      absent.push(`Without ${what}: ${why}\n`);
    }
  };
  await add("TLS targets", async () => (await import("../demo/tls-targets.ts")).startTls(stack, secrets));
  await add("PostgreSQL", async () =>
    (await import("../demo/databases.ts")).startDatabases(stack, secrets, { stop, guard }),
  );
  const { directory } = secrets;
  const file = join(directory, "mooring.yaml");
  const often = { interval: "5s", timeout: "2s", failureThreshold: 1 };
  const integrations = all.flatMap(({ items }) => items).map((item) => ({ ...item, ...often }));
  await writeFile(file, stringify({ integrations }));
  const said = absent.length === 0 ? "" : `${absent.join("")}\n`;
  return { directory, file, said, toggles: all.flatMap(({ toggles }) => toggles) };
}

async function ownFolder(): Promise<Secrets> {
  const { Secrets } = await import("../demo/secrets.ts");
  return Secrets.create().catch((error: unknown) => {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw new UsageError(
      `mooring demo: no folder can be made in ${tmpdir()} (${code}); set TMPDIR to a folder that this user can write to`,
    );
  });
}

/** Why some targets cannot be had here; undefined where that is not what went wrong. */
function whyAbsent(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error.name === "PostgresAbsent") return error.message;
  const isMissing = "code" in error && error.code === "ERR_MODULE_NOT_FOUND";
  return isMissing ? "a development dependency is not installed; in a clone, npm ci brings it" : undefined;
}
