import { loadavg } from "node:os";
import { seeded } from "../fake/random.ts";
import { Forwarder } from "../process/forwarder.ts";
import { Agent, freePort, pause, type Plane } from "../process/programs.ts";
import { compared } from "./compared.ts";
import { type Bound, floors, type Growth, growthOf, notFlat } from "./growth.ts";
import { SecurePlane } from "./secure-plane.ts";
import { connectorOf, load } from "./soak-load.ts";
import { type Sample, sampleOf, type Watched } from "./soak-samples.ts";
import { soakTargets, type SoakTargets } from "./soak-targets.ts";

export interface SoakWish {
  readonly minutes: number;
  readonly seed: number;
}

export interface SoakReport {
  /** Rules that were broken, one line each. */
  readonly problems: readonly string[];
  readonly lines: readonly string[];
}

/** Has garbage collected, which would be taken for a leak: see there. */
const COLLECTS = `--import ${new URL("collects.ts", import.meta.url).href}`;
const CONNECTORS = 4;
/** Integrations that change at every look, of all connectors; each has some 18 others. */
const CHANGING = 48;
const EVERY_MS = 10_000;
/** The share of the time in which a program may still grow: caches fill, code is compiled. */
const WARM_UP = 10 / 45;
/** Memory is judged by the floor of windows of this length: garbage is collected in each. */
const WINDOW_S = 120;
/**
 * A tenth of the memory limit that the chart gives a connector is gained in some six hours at this pace; a leak of 25
 * bytes a look, at the looks of this run, is as much.
 */
const MEMORY: Bound = { perHour: 2, widestBand: 12 };
const DESCRIPTORS: Bound = { perHour: 1, widestBand: 8 };
/** Fewer windows than this say nothing: a short run shows only that everything works. */
const LEAST_WINDOWS = 8;

/** Whether a run of so many minutes is long enough for its growth to be judged. */
export const isLong = (minutes: number): boolean =>
  minutes * 60 * (1 - WARM_UP) >= (LEAST_WINDOWS + 1) * WINDOW_S;

/** Both programs under everything that they do in years, at a brisker pace. */
export async function soak(wish: SoakWish, tell: (line: string) => void): Promise<SoakReport> {
  await using parts = new AsyncDisposableStack();
  const forwarder = parts.use(await Forwarder.start());
  const listen = `127.0.0.1:${await freePort()}`;
  forwarder.to = Number(listen.split(":")[1]);
  const through = forwarder.url.replace("http:", "https:");
  const environment = { NODE_OPTIONS: COLLECTS };
  const secure = parts.use(await SecurePlane.start({ listen, through, environment }));
  const { plane } = secure;
  const targets = parts.use(await soakTargets(CHANGING, secure));
  for (const line of targets.without) tell(line);
  const agents = await startAll(parts, { plane, targets, ca: secure.ca });
  const watched: readonly Watched[] = [
    { name: "control plane", pid: plane.program.pid, metrics: `${plane.own}/metrics` },
    ...agents.map(({ program, health }, index) => ({
      name: `connector ${index}`,
      pid: program.pid,
      metrics: `${health}/metrics`,
    })),
  ];
  const over = new AbortController();
  const place = { plane, agents, targets, cut: () => forwarder.cut(), random: seeded(wish.seed) };
  const loading = load(place, over.signal);
  const samples = await sampled(watched, wish.minutes * 60, tell);
  over.abort();
  const done = await loading;
  const integrations = new Map(
    targets.flipping.names.map((name, index) => [name, connectorOf(index, CHANGING, CONNECTORS)]),
  );
  const told = await compared(plane, integrations, () =>
    targets.flipping.names.map((name) => [name, targets.flipping.truthOf(name)] as const),
  );
  const problems = [...told.problems, ...[plane, ...agents].flatMap(({ program }) => troubleOf(program))];
  const lines: string[] = [...done].map(([name, count]) => `${name}: ${count}`);
  lines.push(`transitions told: ${told.transitions} of ${told.answers} answers`);
  for (const [{ name }, series] of samples) {
    const { line, broken } = judged(name, series, wish.minutes * 60 * WARM_UP);
    lines.push(line);
    problems.push(...broken);
  }
  return { problems, lines };
}

async function startAll(
  parts: AsyncDisposableStack,
  { plane, targets, ca }: { plane: Plane; targets: SoakTargets; ca: string },
): Promise<readonly Agent[]> {
  const agents: Agent[] = [];
  const { names, integrations } = targets.flipping;
  for (let index = 0; index < CONNECTORS; index += 1) {
    const name = `soaked-${index}`;
    const own = integrations.filter((_, at) => connectorOf(at, names.length, CONNECTORS) === name);
    const wish = {
      integrations: [...own, ...targets.others],
      secretStores: targets.secretStores,
      environment: { NODE_OPTIONS: COLLECTS, ...targets.environment },
      flags: ["--ca", ca],
      startMs: 120_000,
    };
    agents.push(parts.use(await Agent.of(plane, name, wish)));
  }
  return agents;
}

/** Reads every process each ten seconds, until the time is over. */
async function sampled(
  watched: readonly Watched[],
  seconds: number,
  tell: (line: string) => void,
): Promise<ReadonlyMap<Watched, readonly Sample[]>> {
  const samples = new Map<Watched, Sample[]>(watched.map((one) => [one, []]));
  const since = performance.now();
  const elapsed = (): number => (performance.now() - since) / 1_000;
  for (let round = 1; elapsed() < seconds; round += 1) {
    await Promise.all(
      watched.map(async (one) => {
        // A scrape that a busy machine did not answer in time is missing: the next one is not.
        const sample = await sampleOf(one, elapsed()).catch(() => undefined);
        if (sample !== undefined) samples.get(one)?.push(sample);
      }),
    );
    if (round % 30 === 0) tell(`${standing(samples)}; load ${loadavg()[0]?.toFixed(1)}`);
    await pause(Math.max(0, Math.min(seconds * 1_000, round * EVERY_MS) - elapsed() * 1_000));
  }
  return samples;
}

function standing(samples: ReadonlyMap<Watched, readonly Sample[]>): string {
  return [...samples]
    .map(([{ name }, series]) => {
      const last = series.at(-1);
      return `${name} ${last?.rssMb.toFixed(1)} MB ${last?.descriptors} fds`;
    })
    .join(", ");
}

function judged(
  name: string,
  all: readonly Sample[],
  warmUpSeconds: number,
): { readonly line: string; readonly broken: readonly string[] } {
  const warm = all.filter(({ at }) => at >= warmUpSeconds);
  const series = (value: (sample: Sample) => number | undefined): Growth | undefined => {
    const points = warm.flatMap((sample) => {
      const found = value(sample);
      return found === undefined ? [] : [{ at: sample.at, value: found }];
    });
    const least = floors(points, WINDOW_S);
    return least.length < LEAST_WINDOWS ? undefined : growthOf(least);
  };
  const growths = [
    { what: "RSS", unit: "MB", growth: series(({ rssMb }) => rssMb), bound: MEMORY },
    { what: "descriptors", unit: "", growth: series(({ descriptors }) => descriptors), bound: DESCRIPTORS },
    { what: "of it no file", unit: "MB", growth: series(({ anonymousMb }) => anonymousMb) },
    { what: "heap", unit: "MB", growth: series(({ heapMb }) => heapMb) },
  ];
  const broken = growths.flatMap(({ what, unit, growth, bound }) => {
    if (growth === undefined || bound === undefined) return [];
    const why = notFlat(growth, bound);
    return why === undefined ? [] : [`${name}: ${what} is not flat: ${why} (${worded(growth, unit)})`];
  });
  const grown = growths.flatMap(({ what, unit, growth }) =>
    growth === undefined ? [] : [`${what} ${worded(growth, unit)}`],
  );
  return { line: [`${name}: ${range(warm)}`, ...grown].join("; "), broken };
}

function worded({ perHour, least, most }: Growth, unit: string): string {
  return `${signed(perHour)} ${unit}/h (95 %: ${signed(least)} to ${signed(most)})`.replace(" /h", "/h");
}

const signed = (value: number): string => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;

/** Between what the readings were. */
function range(samples: readonly Sample[]): string {
  const of = (
    what: string,
    unit: string,
    value: (sample: Sample) => number | undefined,
  ): readonly string[] => {
    const values = samples.flatMap((sample) => value(sample) ?? []);
    if (values.length === 0) return [];
    return [`${what} ${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}${unit}`];
  };
  return [
    `${samples.length} readings`,
    ...of("RSS", " MB", ({ rssMb }) => rssMb),
    ...of("heap", " MB", ({ heapMb }) => heapMb),
    ...of("descriptors", "", ({ descriptors }) => descriptors),
    ...of("threads", "", ({ threads }) => threads),
    ...of("event loop late by", " ms", ({ lagMs }) => lagMs),
  ].join(", ");
}

/** What a program logged that no program should, and its end. */
function troubleOf({ args, isOver, log, stderr }: Agent["program"]): readonly string[] {
  const errors = log.filter(({ level }) => level === "error" || level === "fatal");
  return [
    ...(isOver ? [`${args[0]} ended: ${stderr.slice(-500)}`] : []),
    ...(errors.length === 0
      ? []
      : [`${args[0]} logged ${errors.length} errors, first ${JSON.stringify(errors[0])}`]),
  ];
}
