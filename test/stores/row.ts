import { inspect } from "node:util";
import { expect } from "vitest";
import { z } from "zod";
import { check } from "../../src/connector/check.ts";
import { type Clock, systemClock } from "../../src/connector/clock.ts";
import type { IntegrationType } from "../../src/connector/integrations/integration.ts";
import type { AgeLimits } from "../../src/connector/secrets/age.ts";
import type { SecretStore, SecretStoreType, StorePlace } from "../../src/connector/secrets/secret-store.ts";
import { openStore } from "../../src/connector/secrets/shown.ts";
import { holdsValue } from "../../src/connector/secrets/withheld.ts";
import type { ReasonCode } from "../../src/protocol/reasons.ts";
import type { Report } from "../../src/protocol/report.ts";
import { boundSecret, place, settings } from "../fake/secret.ts";

/** An integration that needs nothing but the fields of its secret. */
function needing(...shapes: readonly (readonly string[])[]): IntegrationType {
  return {
    type: "needs-a-login",
    summary: "",
    config: z.unknown(),
    secret: { required: true, shapes },
    stages: () => ["secret"],
    address: () => "db.data.svc:5432",
    target: () => ({ host: "db.data.svc", port: 5432, protection: "verified" }),
    facts: () => ({}),
    coverage: () => [],
    open: async (_config, run) => {
      await run.secret(...shapes);
      return { [Symbol.asyncDispose]: () => Promise.resolve() };
    },
  };
}

/** A secret in a store, and how the store is set up. */
export interface Wish<Ref, Config> {
  readonly type: SecretStoreType<Ref, Config>;
  /** As in the configuration file: goes through the kind's own schemas. */
  readonly ref: unknown;
  readonly config?: unknown;
  /** The name under which it is declared; the type's own by default. */
  readonly store?: string;
  readonly optIn?: boolean;
  readonly ca?: string;
  readonly proxy?: string;
  readonly place?: StorePlace;
  readonly shapes?: readonly (readonly string[])[];
  readonly mapping?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly ages?: AgeLimits;
  readonly clock?: Clock;
  /** Instead of one that is opened for this look. */
  readonly opened?: SecretStore<Ref>;
  /** Texts that must be in nothing that was told: values of secrets, tokens of identities. */
  readonly canaries?: readonly string[];
}

/** Checks an integration that needs this secret, and makes sure that nothing of it was told. */
export async function lookFor<Ref, Config>(wish: Wish<Ref, Config>): Promise<Report> {
  const { type, store = type.type, clock = systemClock, timeoutMs = 10_000 } = wish;
  const where = wish.place ?? place();
  const config = type.config.parse(wish.config ?? {});
  const keys = ["mooring-connector-read", "apono-connector-read"];
  const set = settings(config, {
    optIn: { required: wish.optIn ?? false, keys },
    ...(wish.ca === undefined ? {} : { ca: wish.ca }),
    ...(wish.proxy === undefined ? {} : { proxy: wish.proxy }),
  });
  const ref = type.ref.parse(wish.ref);
  const opened = wish.opened ?? openStore(type, set, where);
  const unknown: unknown[] = [];
  const failures: unknown[] = [];
  const secret = boundSecret({
    store,
    name: type.name(ref, where),
    facts: { storeType: type.type, ...type.facts(ref, where, set) },
    mapping: wish.mapping ?? {},
    ages: wish.ages ?? { expiresWithinMs: 0 },
    read: (signal) =>
      opened.read(ref, signal).catch((error: unknown) => {
        failures.push(error);
        throw error;
      }),
  });
  const item = {
    name: "orders-db",
    type: needing(...(wish.shapes ?? [["username", "password"]])),
    config: {},
    secret,
    // The stage secret may take half of it.
    timeoutMs: timeoutMs * 2,
    suspend: false,
  };
  const looking = { clock, network: where.network, onUnknown: (error: unknown) => void unknown.push(error) };
  const report = await check(item, looking);
  if (wish.opened === undefined) await opened.close?.();
  const told = `${JSON.stringify(report)} ${inspect([...unknown, ...failures], { depth: 8, showHidden: true })}`;
  for (const canary of wish.canaries ?? [])
    expect(holdsValue(told, [canary]), `something told repeats ${canary}`).toBe(false);
  expect(unknown, "a failure that the store does not know").toEqual([]);
  return report;
}

/** What a row of the truth table demands. */
export type Told = readonly [condition: Report["condition"], stage: "secret", reason: ReasonCode] | "online";

export function expectTold(report: Report, told: Told): void {
  const { state, condition, stage, reason } = report;
  if (told === "online") expect([state, condition, stage, reason]).toEqual(["online", null, null, null]);
  else expect([condition, stage, reason]).toEqual(told);
}

/** What a person reads, as it stands in the golden file. Ports and spans that differ from run to run are left out. */
export function letterOf({ message, cause, remedy }: Report): string {
  const steps = remedy.map(({ text, command }) =>
    command === null ? `- ${text}` : `- ${text}\n    $ ${command}`,
  );
  return [message, cause ?? "", ...steps].join("\n").replaceAll(/(127\.0\.0\.1|localhost):\d+/g, "$1:PORT");
}
