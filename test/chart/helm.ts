/** Helm and kubectl for the tests of the charts. No cluster is needed. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parseAllDocuments, stringify } from "yaml";
import { toolPaths, whyNot } from "../cluster/binaries.ts";

const execute = promisify(execFile);
/** Milliseconds, for one call of a tool. */
const CALL_MS = 60_000;

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const CHARTS = ["mooring-connector", "mooring-control-plane"] as const;
export type Chart = (typeof CHARTS)[number];

export const chartPath = (chart: Chart, ...rest: readonly string[]): string =>
  join(ROOT, "helm", chart, ...rest);

/** Why the charts cannot be rendered here; undefined where they can. */
export const whyNoHelm: string | undefined = whyNot("tools");

/** Why alerts cannot be tested here; undefined where they can. */
export const whyNoPromtool: string | undefined =
  onPath("promtool") === undefined
    ? "not installed: promtool; Debian's package prometheus has it (apt-get install --no-install-recommends prometheus)"
    : undefined;

function onPath(name: string): string | undefined {
  const places = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, name));
  return places.find((place) => existsSync(place));
}

/** What a tool said and how it ended. */
export interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function say(path: string, args: readonly string[], cwd = ROOT): Promise<Said> {
  try {
    const { stdout, stderr } = await execute(path, args, { timeout: CALL_MS, maxBuffer: 64 << 20, cwd });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as Partial<Said>;
    if (typeof code !== "number") throw error;
    return { code, stdout, stderr };
  }
}

export const helm = (...args: readonly string[]): Promise<Said> => say(toolPaths().helm, args);
export const kubectl = (...args: readonly string[]): Promise<Said> => say(toolPaths().kubectl, args);
export const promtool = (cwd: string, ...args: readonly string[]): Promise<Said> =>
  say("promtool", args, cwd);

/** The values of the tests: a file of the chart's ci/ each, by its name without "-values.yaml". */
export async function cases(chart: Chart): Promise<string[]> {
  const files = await readdir(chartPath(chart, "ci"));
  return files.map((file) => file.replace(/-values\.yaml$/, "")).toSorted();
}

export const casePath = (chart: Chart, name: string): string => chartPath(chart, "ci", `${name}-values.yaml`);

/** A Kubernetes object, as far as tests of all kinds of them look. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [member: string]: unknown;
}

/** Every object of a text of YAML documents. */
export function manifestsOf(text: string): Manifest[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/** Renders a case of ci/, as release "mooring" in namespace "mooring". Throws what helm says. */
export async function rendered(chart: Chart, name: string): Promise<string> {
  const { code, stdout, stderr } = await template(chart, ["-f", casePath(chart, name)]);
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

/** Renders the case "default" with more values on top of it. */
export function withValues(chart: Chart, values: object): Promise<Said> {
  return onTop(chart, values, (args) => template(chart, args));
}

/** What is said after an install of the case "default" with more values on top of it. */
export async function notesWith(chart: Chart, values: object): Promise<string> {
  const { stdout, stderr } = await onTop(chart, values, (args) =>
    helm("install", "mooring", chartPath(chart), "--namespace", "mooring", "--dry-run=client", ...args),
  );
  const start = stdout.indexOf("\nNOTES:\n");
  if (start === -1) throw new Error(`no notes: ${stderr}`);
  return stdout.slice(start);
}

async function onTop<T>(
  chart: Chart,
  values: object,
  use: (args: readonly string[]) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "mooring-chart-"));
  try {
    const file = join(folder, "values.yaml");
    await writeFile(file, stringify(values));
    return await use(["-f", casePath(chart, "default"), "-f", file]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The objects of the case "default" with more values on top of it. Throws what helm says. */
export async function objectsWith(chart: Chart, values: object): Promise<Manifest[]> {
  const { code, stdout, stderr } = await withValues(chart, values);
  if (code !== 0) throw new Error(stderr);
  return manifestsOf(stdout);
}

function template(chart: Chart, args: readonly string[]): Promise<Said> {
  return helm("template", "mooring", chartPath(chart), "--namespace", "mooring", ...args);
}
