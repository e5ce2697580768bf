import { enrolWith, FakeConnector, fakeReport } from "../fake/connector.ts";
import { pick, type Random } from "../fuzz/grammar.ts";
import { Events } from "../process/events.ts";
import { type Agent, pause, type Plane } from "../process/programs.ts";
import type { SoakTargets } from "./soak-targets.ts";

/** What is done to both programs all the time, and how often it was. */
export interface SoakPlace {
  readonly plane: Plane;
  readonly agents: readonly Agent[];
  readonly targets: SoakTargets;
  /** Ends every connection to the control plane. */
  readonly cut: () => void;
  readonly random: Random;
}

type Errand = (place: SoakPlace) => Promise<unknown>;

/** Each is done again and again, so many milliseconds after the last time. */
const ERRANDS: Readonly<Record<string, { readonly everyMs: number; readonly run: Errand }>> = {
  "REST reads": { everyMs: 250, run: readSomething },
  "metrics scrapes": { everyMs: 1_000, run: scrape },
  "refreshes and tests": { everyMs: 1_000, run: command },
  "readers of events": { everyMs: 500, run: readEvents },
  "sign-ins and page views": { everyMs: 2_000, run: viewPage },
  "connectors added and removed": { everyMs: 15_000, run: passBy },
  "secrets written": { everyMs: 20_000, run: ({ targets }) => targets.rotate() },
  "targets broken and healed": { everyMs: 30_000, run: ({ targets }) => targets.flip() },
  // Longer than a session takes to count as stable: else the connectors back off, and nothing goes on.
  "cuts of all connections": { everyMs: 75_000, run: async ({ cut }) => cut() },
};

const PATHS = [
  "/summary",
  "/connectors",
  "/integrations?limit=500",
  "/integrations?state=error",
  "/secrets",
  "/audit?limit=100",
  "/tokens",
  "/openapi.json",
] as const;
const OF_ONE = ["", "/history?limit=100", "/samples"] as const;

/** Does everything until the signal aborts. Counts what was done, and what failed because a cut came between. */
export async function load(place: SoakPlace, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const counts = await Promise.all(
    Object.entries(ERRANDS).map(async ([name, { everyMs, run }]) => {
      const count = { done: 0, cut: 0 };
      while (!signal.aborted) {
        await run(place).then(
          () => (count.done += 1),
          () => (count.cut += 1),
        );
        await pause(everyMs);
      }
      return [name, `${count.done}${count.cut === 0 ? "" : `, ${count.cut} cut off`}`] as const;
    }),
  );
  return new Map(counts);
}

function anyIntegration({ targets, agents, random }: SoakPlace): string {
  const names = targets.flipping.names;
  const index = Math.floor(random() * names.length);
  return `${connectorOf(index, names.length, agents.length)}/${names[index]}`;
}

/** Which connector looks at the n-th integration that changes: the first ones the first connector, and so on. */
export function connectorOf(index: number, integrations: number, connectors: number): string {
  return `soaked-${Math.floor((index * connectors) / integrations)}`;
}

async function readSomething(place: SoakPlace): Promise<void> {
  const ofOne = `/integrations/${anyIntegration(place)}${pick(place.random, OF_ONE)}`;
  await place.plane.get(pick(place.random, [...PATHS, ofOne, ofOne]));
}

async function scrape({ plane, agents, random }: SoakPlace): Promise<void> {
  const from = pick(random, [plane.own, ...agents.map(({ health }) => health)]);
  await (await fetch(`${from}/metrics`, { signal: AbortSignal.timeout(10_000) })).text();
}

/** A test changes no state: at a target that counts its answers, it would be one that nobody is told. */
async function command(place: SoakPlace): Promise<void> {
  const { plane, agents, targets, random } = place;
  const steady = `${connectorOf(Math.floor(random() * agents.length), agents.length, agents.length)}/${targets.steady}`;
  const path = random() < 0.5 ? `${anyIntegration(place)}/refresh` : `${steady}/test`;
  const response = await plane.api("POST", `/integrations/${path}`);
  await response.arrayBuffer();
  if (response.status !== 202) throw new Error(`POST ${path}: ${response.status}`);
}

async function readEvents({ plane, random }: SoakPlace): Promise<void> {
  await using events = await Events.of(plane);
  await pause(500 + random() * 8_000);
  if (events.received.some(({ event }) => event === "reset")) throw new Error("the stream began anew");
}

/** Signs in as the page does, looks, and signs out. */
async function viewPage({ plane }: SoakPlace): Promise<void> {
  const page = { origin: plane.url, "mooring-page": "1", "content-type": "application/json" };
  const ask = async (method: string, path: string, more: RequestInit = {}): Promise<Response> => {
    const response = await fetch(`${plane.url}${path}`, {
      method,
      headers: page,
      signal: AbortSignal.timeout(10_000),
      ...more,
    });
    await response.arrayBuffer();
    return response;
  };
  const signed = await ask("POST", "/session", { body: JSON.stringify({ token: plane.token }) });
  const [cookie = ""] = (signed.headers.get("set-cookie") ?? "").split(";");
  for (const path of ["/", "/api/v1/summary", "/nowhere"]) await ask("GET", path, { headers: { cookie } });
  await ask("DELETE", "/session", { headers: { ...page, cookie } });
}

/** A connector that enrols, tells a little, leaves, and is removed; and a token that nobody uses. */
async function passBy({ plane, random }: SoakPlace): Promise<void> {
  const name = `passing-${Math.floor(random() * 1e9)}`;
  const tokenOf = async (): Promise<{ token: string; id: string }> =>
    (await (await plane.api("POST", "/tokens", { body: { connector: name } })).json()) as never;
  const unused = await tokenOf();
  await plane.api("DELETE", `/tokens/${unused.id}`);
  const identity = await enrolWith(plane.url, (await tokenOf()).token);
  try {
    await using connector = await FakeConnector.ready(plane.url, identity);
    const items = ["a", "b", "c"].map((one) => connector.snapshotItem(fakeReport(one)));
    connector.tellAll(items);
    await connector.acked(1);
  } finally {
    const removed = await plane.api("DELETE", `/connectors/${name}`);
    await removed.arrayBuffer();
  }
}
