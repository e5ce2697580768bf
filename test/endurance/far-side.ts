// The connectors' side of a lossy network, a process in a namespace of its own: the connectors, and what they look at.
import { pathToFileURL } from "node:url";
import process from "node:process";
import { silent } from "../fake/targets.ts";
import { type Flipping, flipping } from "../process/flipping.ts";
import { Agent, tcp } from "../process/programs.ts";
import { answerCalls } from "./calls.ts";
import type { Truths } from "./compared.ts";
import { End, type Packets } from "./network.ts";

/** A connector to be started. */
export interface FarConnector {
  readonly name: string;
  readonly to: string;
  readonly joinTokenFile: string;
  readonly ca: string;
  /** The integration of it that changes at every look; null: it looks at something that never changes. */
  readonly flips: string | null;
}

/** What the near side may ask. */
export interface FarSide {
  loopback: undefined;
  up: undefined;
  /** Makes the target that changes at every look. Gives the names of its integrations. */
  targets: number;
  start: FarConnector;
  lose: number;
  heal: undefined;
  signal: { readonly name: string; readonly signal: NodeJS.Signals };
  truth: undefined;
  log: string;
  metrics: undefined;
}

/** How long a connector may take to start and connect, with others, on a machine that does much else: milliseconds. */
const START_MS = 120_000;

const end = new End("far");
const agents = new Map<string, Agent>();
const parts = new AsyncDisposableStack();
let target: Flipping | undefined;
let steadyPort = 0;

async function targets(count: number): Promise<readonly string[]> {
  target = parts.use(await flipping(count));
  steadyPort = parts.use(await silent()).port;
  return target.names;
}

async function start({ name, to, joinTokenFile, ca, flips }: FarConnector): Promise<void> {
  const steady = tcp("steady", steadyPort, { interval: "60s" });
  const flipping = target?.integrations.filter((_, index) => target?.names[index] === flips) ?? [];
  const integrations = [...flipping, steady];
  const wish = { scale: 1, to, joinTokenFile, integrations, flags: ["--ca", ca], startMs: START_MS };
  agents.set(name, parts.use(await Agent.start(wish)));
}

/** The metrics of each connector that lives. */
function metrics(): Promise<readonly string[]> {
  return Promise.all(
    [...agents.values()].map(async ({ health }) => {
      const response = await fetch(`${health}/metrics`, { signal: AbortSignal.timeout(10_000) });
      return response.text();
    }),
  );
}

const methods: { [M in keyof FarSide]: (argument: FarSide[M]) => unknown } = {
  loopback: () => End.loopback(),
  up: () => end.up("far"),
  targets,
  start,
  lose: (percent) => end.lose(percent),
  heal: (): Promise<Packets> => end.heal(),
  signal: ({ name, signal }) => agents.get(name)?.program.signal(signal),
  truth: (): Truths => target?.names.map((name) => [name, target?.truthOf(name) ?? []] as const) ?? [],
  log: (name) => agents.get(name)?.program.stdout.trim().split("\n") ?? [],
  metrics,
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) answerCalls(methods);
