import { resolve } from "node:path";
import { z } from "zod";
import { systemClock } from "../clock.ts";
import { createNetwork } from "../dial/place.ts";
import { certificatesOf, readPem } from "../dial/trust.ts";
import { codeOf } from "../failure.ts";
import { meant } from "../nearest.ts";
import type { SecretStoreType, StorePlace, StoreSettings } from "../secrets/secret-store.ts";
import { openStore } from "../secrets/shown.ts";
import type { Context, Kinds, NamedStore, Stores } from "./context.ts";
import type { Path } from "./document.ts";
import {
  anyStoreConfig,
  DEFAULT_EXPIRES_WITHIN_MS,
  DEFAULT_REREAD_MS,
  farStoreConfig,
  OPT_IN_ALIASES,
  OPT_IN_KEY,
  optIn,
  store as storeSchema,
} from "./schema.ts";

type Judging = Pick<Context, "source" | "judge" | "problems" | "kinds" | "place">;

/** What a store may use of this machine. Its network allows every address. */
export function storePlace(directory: string, environment: Kinds["environment"]): StorePlace {
  const network = { ...createNetwork(environment, []), policy: () => undefined };
  return { directory, environment, clock: systemClock, network };
}

/** The built-in stores, and those that the file declares. */
export async function judgeStores(judging: Judging, declared: readonly unknown[]): Promise<Stores> {
  const { source, problems, kinds, place } = judging;
  const byName = new Map<string, NamedStore>();
  for (const type of kinds.stores) {
    if (type.builtIn) byName.set(type.type, named(judging, type, {}));
  }
  for (const [index, value] of declared.entries()) {
    const path: Path = ["secretStores", index];
    const frame = judging.judge(storeSchema, value, path);
    if (frame === undefined) continue;
    const type = kinds.stores.find((known) => known.type === frame.type);
    const words = kinds.stores.map((known) => known.type);
    if (type === undefined) {
      const text = `"${frame.type}" is not a kind of secret store${meant(frame.type, words)}`;
      problems.push(source.problem([...path, "type"], text));
    } else if (byName.has(frame.name) && frame.name !== frame.type) {
      const text = `"${frame.name}" is the name of another store already; rename it`;
      problems.push(source.problem([...path, "name"], text));
    } else {
      const config = await judgeConfig(judging, type, frame.config ?? {}, [...path, "config"]);
      if (config !== undefined) byName.set(frame.name, named(judging, type, config));
      else byName.delete(frame.name);
    }
  }
  const broken = declared.length > 0 && problems.length > 0;
  return { byName, broken, digest: JSON.stringify(declared), place };
}

/** The config of a kind: its own members, and those that all stores share. */
export function configOf(type: SecretStoreType): z.ZodObject {
  const own = type.config instanceof z.ZodObject ? type.config.shape : {};
  const shared = type.local === true ? anyStoreConfig : farStoreConfig;
  const gate = type.gate === undefined ? {} : { optIn: optIn.optional() };
  const whole = z.strictObject({ ...shared, ...gate, ...own });
  return whole;
}

type Config = Readonly<Record<string, unknown>>;

async function judgeConfig(
  { source, judge, problems, place }: Judging,
  type: SecretStoreType,
  value: unknown,
  path: Path,
): Promise<Config | undefined> {
  const shape = configOf(type);
  const before = problems.length;
  const config: Config | undefined = judge(shape, value, path);
  if (config === undefined) return undefined;
  // Whatever the kind demands of its members together.
  const known = type.config instanceof z.ZodObject ? Object.keys(type.config.shape) : [];
  const own = Object.fromEntries(Object.entries(value as Config).filter(([key]) => known.includes(key)));
  judge(type.config, own, path);
  const { ca } = config;
  if (typeof ca === "string") {
    const trouble = await certificateTrouble(resolve(place.directory, ca));
    if (trouble !== undefined) {
      const text = `${ca}: ${trouble}; name a PEM file with certificates`;
      problems.push(source.problem([...path, "ca"], text));
    }
  }
  return problems.length > before ? undefined : config;
}

async function certificateTrouble(file: string): Promise<string | undefined> {
  try {
    certificatesOf(await readPem(file));
    return undefined;
  } catch (error) {
    const code = codeOf(error);
    return code === undefined && error instanceof Error ? error.message : `cannot be read (${code})`;
  }
}

function named({ kinds, place }: Judging, type: SecretStoreType, config: Config): NamedStore {
  const settings = settingsOf(type, config, place);
  const key = JSON.stringify([type.type, place.directory, settings]);
  const store = kinds.opened.get(key) ?? openStore(type, settings, place);
  kinds.opened.set(key, store);
  const reread = config["reread"] as number | undefined;
  return {
    type,
    settings,
    store,
    rereadMs: reread ?? (type.local === true ? 0 : DEFAULT_REREAD_MS),
    ages: {
      expiresWithinMs: (config["expiresWithin"] as number | undefined) ?? DEFAULT_EXPIRES_WITHIN_MS,
      staleAfterMs: config["staleAfter"] as number | undefined,
    },
  };
}

/** MOORING_REQUIRE_OPT_IN=true makes the gate the default: so the Helm chart has it. */
function settingsOf(type: SecretStoreType, config: Config, place: StorePlace): StoreSettings {
  const { directory, environment } = place;
  const members = type.config instanceof z.ZodObject ? Object.keys(type.config.shape) : [];
  let own: unknown = Object.fromEntries(Object.entries(config).filter(([key]) => members.includes(key)));
  for (const path of type.paths ?? []) own = withAbsolute(own, path, directory);
  const gate = (config["optIn"] ?? {}) as z.infer<typeof optIn>;
  const byDefault = type.gateByDefault !== false && environment["MOORING_REQUIRE_OPT_IN"] === "true";
  const required = gate.required ?? byDefault;
  const { ca, proxy } = config;
  return {
    config: own,
    optIn: { required, keys: [gate.key ?? OPT_IN_KEY, ...(gate.aliases ?? OPT_IN_ALIASES)] },
    ca: typeof ca === "string" ? resolve(directory, ca) : undefined,
    proxy: typeof proxy === "string" ? proxy : undefined,
  };
}

function withAbsolute(value: unknown, [key, ...rest]: readonly string[], directory: string): unknown {
  if (key === undefined) return typeof value === "string" ? resolve(directory, value) : value;
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return value;
  return { ...value, [key]: withAbsolute(Reflect.get(value, key), rest, directory) };
}
