/**
 * Which packages are loaded: node test/stores/loaded.ts [STORE]
 *
 * Imports the connector with its two tables, opens every store, and reads from the one that is named (READS). Prints
 * JSON: `idle` and `read`, the packages loaded before and after that; `told`, what the reading said; how long it took,
 * milliseconds; and what it added to the process, MiB (with --expose-gc).
 */
import { registerHooks } from "node:module";
import process from "node:process";

/** A reference and a config with which each store that has a client of its own is read, at a port where nobody is. */
const READS: Readonly<Record<string, { readonly ref: unknown; readonly config: unknown }>> = {
  aws: {
    ref: { id: "orders" },
    config: { region: "eu-central-1", endpoint: process.env["AT"] ?? "http://127.0.0.1:9" },
  },
};

const loaded = new Set<string>();
registerHooks({
  load: (url, context, next) => {
    const [name] = /(?<=\/node_modules\/)(@[^/]+\/)?[^/]+(?!.*\/node_modules\/)/.exec(url) ?? [];
    if (name !== undefined) loaded.add(name);
    return next(url, context);
  },
});

const { SECRET_STORES } = await import("../../src/connector/secrets/index.ts");
await import("../../src/connector/integrations/index.ts");
await import("../../src/connector/main.ts");
const { storePlace } = await import("../../src/connector/config/stores.ts");

const place = storePlace("/", {
  AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7WXYZ",
  AWS_SECRET_ACCESS_KEY: "nobody",
  HOME: "/nonexistent",
});
const keys = ["mooring-connector-read"];
const asked = process.argv[2];
const opened = SECRET_STORES.filter(({ builtIn }) => builtIn).map((type) => {
  const config = type.config.parse(type.type === asked ? READS[asked]?.config : {});
  return { type, store: type.open({ config, optIn: { required: false, keys } }, place) };
});
const idle = [...loaded].toSorted();
const memory = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().rss / 1024 / 1024;
};

const { type, store } = opened.find((one) => one.type.type === asked) ?? {};
const before = memory();
const started = performance.now();
let told = "";
if (type !== undefined && store !== undefined) {
  const ref = type.ref.parse(READS[type.type]?.ref);
  told = await store.read(ref, AbortSignal.timeout(10_000)).then(
    () => "read",
    (error: unknown) => String((error as { reason?: unknown }).reason ?? error),
  );
}
const ms = Math.round(performance.now() - started);
const rss = Math.round((memory() - before) * 10) / 10;
for (const one of opened) await one.store.close?.();
console.log(JSON.stringify({ idle, read: [...loaded].toSorted(), told, ms, rss }));
