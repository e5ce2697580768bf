import { createHash } from "node:crypto";
import { dirname, resolve } from "node:path";
import type { z } from "zod";
import { readBoundedText, UnfitFile } from "../bounded-file.ts";
import { certificatesOf, readPem } from "../dial/trust.ts";
import { codeOf } from "../failure.ts";
import type { IntegrationType } from "../integrations/integration.ts";
import type { Configuration, CrdPolicy, Item, Loaded, Problem } from "../item.ts";
import { parseSource, type Path } from "./document.ts";
import type { Context, Kinds, Stores } from "./context.ts";
import { createJudge } from "./judge.ts";
import { meant } from "../nearest.ts";
import {
  DEFAULT_INTERVAL_MS,
  DEFAULT_THRESHOLD,
  DEFAULT_TIMEOUT_MS,
  item,
  type policy as policySchema,
  root,
} from "./schema.ts";
import { judgeSecret } from "./secret.ts";
import { judgeStores, storePlace } from "./stores.ts";

/** A pipe is read too: a configuration may be made on the way. */
const CONFIGURATION_FILE = { mostBytes: 16 * 1024 * 1024, regular: false };

/** Reads and judges a file. All of its problems are told at once, each at its place. */
export async function loadConfiguration(file: string, kinds: Kinds): Promise<Loaded> {
  let text: string;
  try {
    text = await readBoundedText(file, CONFIGURATION_FILE);
  } catch (error) {
    return { ok: false, problems: [{ file, line: 1, column: 1, path: "", text: unreadable(error) }] };
  }
  return judgeConfiguration(file, text, kinds);
}

function unreadable(error: unknown): string {
  if (error instanceof UnfitFile && error.trouble === "encoding")
    return "is not UTF-8 text; save it as UTF-8";
  if (error instanceof UnfitFile) return "is larger than 16 MiB; name the configuration file";
  const code = codeOf(error);
  if (code === "ENOENT") return "there is no such file; name the configuration file";
  if (code === "EISDIR") return "is a folder; name the configuration file in it";
  return `cannot be read (${code ?? "unknown error"}); let this user read it`;
}

/**
 * Judges a text that stands for a file; files that it names are looked for beside that file. `given` are the stores
 * of the local file, for what somebody else sent.
 */
export async function judgeConfiguration(
  file: string,
  text: string,
  kinds: Kinds,
  given?: Stores,
): Promise<Loaded> {
  const source = parseSource(file, text);
  if (Array.isArray(source)) return { ok: false, problems: source };
  const problems: Problem[] = [];
  const judge = createJudge(source, problems);
  const directory = dirname(resolve(file));
  const place = storePlace(directory, kinds.environment);
  const frame = judge(root, source.value, []);
  const partial = (source.value ?? {}) as { integrations?: unknown; secretStores?: unknown };
  const judging = { source, judge, problems, kinds, place };
  const stores = given ?? (await judgeStores(judging, listOf(partial.secretStores)));
  const context: Context = { ...judging, stores };
  const items: Item[] = [];
  for (const [index, value] of listOf(partial.integrations).entries()) {
    const one = await judgeItem(context, value, ["integrations", index]);
    if (one !== undefined) items.push(one);
  }
  judgeNames(context, listOf(partial.integrations));
  if (frame === undefined || problems.length > 0) return { ok: false, problems: inOrder(problems) };
  return { ok: true, configuration: configurationOf(items, frame.policy, stores) };
}

/** Before the local file says otherwise: an Integration resource stays within its own namespace. */
export const DEFAULT_CRD_POLICY: CrdPolicy = { stores: ["kubernetes"], targets: ["*.{namespace}.svc:*"] };

function configurationOf(
  items: Item[],
  policy: z.infer<typeof policySchema> | undefined,
  stores: Stores,
): Configuration {
  const { targets = [], secrets = [] } = policy?.remote ?? {};
  return {
    items,
    remote: { targets, secrets },
    crd: {
      stores: policy?.crd?.stores ?? DEFAULT_CRD_POLICY.stores,
      targets: policy?.crd?.targets ?? DEFAULT_CRD_POLICY.targets,
    },
    addressesAllow: policy?.addresses?.allow ?? [],
    stores,
  };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function inOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
}

/** One integration, or undefined with its problems told. */
async function judgeItem(context: Context, value: unknown, path: Path): Promise<Item | undefined> {
  const { judge, source, problems, kinds } = context;
  const frame = judge(item, value, path);
  const named: unknown = typeof value === "object" && value !== null ? Reflect.get(value, "type") : undefined;
  const type = kinds.types.find((known) => known.type === named);
  if (type === undefined) {
    const words = kinds.types.map((known) => known.type);
    if (typeof named === "string") {
      problems.push(
        source.problem([...path, "type"], `"${named}" is not an integration type${meant(named, words)}`),
      );
    }
    return undefined;
  }
  const raw = value as { config?: unknown; secret?: unknown };
  const config = judge(type.config, raw.config === null ? undefined : raw.config, [...path, "config"]);
  const secret = judgeSecret(context, type, raw.secret, path);
  if (frame === undefined || config === undefined || secret === "wrong") return undefined;
  const absolute = await judgeFiles(context, type, config, path);
  const intervalMs = frame.interval ?? DEFAULT_INTERVAL_MS;
  const timeoutMs = frame.timeout ?? Math.min(DEFAULT_TIMEOUT_MS, 0.8 * intervalMs);
  if (timeoutMs >= intervalMs) {
    problems.push(
      source.problem([...path, "timeout"], "must be below the interval; lower it, or raise interval"),
    );
  }
  return {
    name: frame.name,
    type,
    config: absolute,
    secret,
    timeoutMs,
    suspend: frame.suspend ?? false,
    intervalMs,
    failureThreshold: frame.failureThreshold ?? DEFAULT_THRESHOLD,
    source: "file",
    digest: createHash("sha256")
      .update(JSON.stringify([value, context.stores.digest]))
      .digest("hex"),
  };
}

/** The configuration with the paths of its files made absolute; what cannot be read is told. */
async function judgeFiles(
  context: Context,
  type: IntegrationType,
  config: unknown,
  path: Path,
): Promise<unknown> {
  let absolute = config;
  for (const named of type.files?.(config) ?? []) {
    const file = resolve(context.place.directory, named.file);
    try {
      certificatesOf(await readPem(file));
    } catch (error) {
      const code = codeOf(error);
      const why = code === undefined && error instanceof Error ? error.message : `cannot be read (${code})`;
      const text = `${named.file}: ${why}; name a PEM file with certificates`;
      context.problems.push(context.source.problem([...path, "config", ...named.path], text));
    }
    absolute = replaced(absolute, named.path, file);
  }
  return absolute;
}

function replaced(value: unknown, path: readonly string[], text: string): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return text;
  const inside = (value ?? {}) as Record<string, unknown>;
  return { ...inside, [key]: replaced(inside[key], rest, text) };
}

function judgeNames({ source, problems }: Context, values: readonly unknown[]): void {
  const first = new Map<string, number>();
  for (const [index, value] of values.entries()) {
    const name: unknown =
      typeof value === "object" && value !== null ? Reflect.get(value, "name") : undefined;
    if (typeof name !== "string") continue;
    const taken = first.get(name);
    if (taken === undefined) first.set(name, index);
    else {
      const text = `"${name}" is the name of integrations[${taken}] already; rename one of them`;
      problems.push(source.problem(["integrations", index, "name"], text));
    }
  }
}
