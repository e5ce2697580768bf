import { type BoundSecret, check, type CheckPlace } from "../../src/connector/check.ts";
import { boundSecret, place, settings as storeSettings } from "../fake/secret.ts";
import { type Clock, systemClock } from "../../src/connector/clock.ts";
import { addressPolicy } from "../../src/connector/dial/address.ts";
import type { Network } from "../../src/connector/dial/network.ts";
import type { ResolverSettings } from "../../src/connector/dial/resolver.ts";
import { createTrust } from "../../src/connector/dial/trust.ts";
import type { IntegrationType } from "../../src/connector/integrations/integration.ts";
import { env } from "../../src/connector/secrets/env.ts";
import type { Report } from "../../src/protocol/report.ts";

/** The integration's name in every look. */
export const NAME = "the-target";
/** The secret's NAME in every look. */
export const SECRET = "MOORING_SECRET_TARGET";
/** A name that every look knows, as 127.0.0.1. */
export const HOST = "target.test";

/** One trust for all looks of a process: building it from the system's roots takes a while. */
const trust = createTrust();

/** What a look may have other than usual. */
export interface LookSettings {
  /** The text of the secret; undefined where the integration has none, null where the store lacks it. */
  readonly secret?: string | null | undefined;
  readonly mapping?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly dns?: Partial<ResolverSettings>;
  readonly allow?: readonly string[];
  readonly environment?: Network["environment"];
  readonly clock?: Clock;
}

/** What came of a look. */
export interface Looked {
  readonly report: Report;
  readonly elapsedMs: number;
  /** What no failure explained. */
  readonly unknown: readonly unknown[];
}

/** A network with one name in its hosts file and no DNS server. */
export function network(settings: LookSettings = {}): Network {
  const resolver = {
    servers: [],
    search: [],
    ndots: 1,
    hosts: new Map([[HOST, ["127.0.0.1"]]]),
    ...settings.dns,
  };
  return {
    resolver: () => Promise.resolve(resolver),
    policy: addressPolicy(settings.allow ?? []),
    trust,
    environment: settings.environment ?? {},
  };
}

/** A secret in the store env. */
function secretOf(text: string | null, mapping: LookSettings["mapping"]): BoundSecret {
  const where = place(text === null ? {} : { [SECRET]: text });
  const ref = { variable: SECRET };
  const store = env.open(storeSettings({}), where);
  return boundSecret({
    store: "env",
    name: env.name(ref, where),
    facts: env.facts(ref, where, storeSettings({})),
    mapping: mapping ?? {},
    read: (signal) => store.read(ref, signal),
  });
}

/** Checks one integration, once. Its configuration goes through the type's own schema. */
export async function look(
  type: IntegrationType,
  config: unknown,
  settings: LookSettings = {},
): Promise<Looked> {
  const unknown: unknown[] = [];
  const { secret } = settings;
  const item = {
    name: NAME,
    type,
    config: type.config.parse(config),
    secret: secret === undefined ? undefined : secretOf(secret, settings.mapping),
    timeoutMs: settings.timeoutMs ?? 5000,
    suspend: false,
  };
  const clock = settings.clock ?? systemClock;
  const place: CheckPlace = {
    clock,
    network: network(settings),
    onUnknown: (error) => void unknown.push(error),
  };
  const started = performance.now();
  const report = await check(item, place);
  return { report, elapsedMs: performance.now() - started, unknown };
}
