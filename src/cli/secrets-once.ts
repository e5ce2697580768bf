import type { BoundSecret } from "../connector/check.ts";
import type { Clock } from "../connector/clock.ts";
import type { Item } from "../connector/item.ts";
import { type Reading, readOnce } from "../connector/kept-secrets.ts";
import { SecretStanding } from "../connector/secret-standing.ts";
import { valuesOf } from "../connector/secrets/fields.ts";
import type { Secret } from "../connector/secrets/secret-store.ts";
import type { SecretItem } from "../protocol/secret-frames.ts";

const never = new AbortController().signal;

/** The integrations with secrets that are read once for all of them, however many need one. */
export function readingOnce(items: readonly Item[], clock: Clock): Item[] {
  const readings = new Map<string, Promise<Secret>>();
  const once = (secret: BoundSecret): Promise<Secret> => {
    const reading = readings.get(secret.id) ?? unwrapped(secret, clock);
    readings.set(secret.id, reading);
    return reading;
  };
  return items.map((item) => {
    const { secret } = item;
    if (secret === undefined) return item;
    const known = (): Promise<readonly string[]> => once(secret).then(valuesOf, () => []);
    return { ...item, secret: { ...secret, read: () => once(secret), known } };
  });
}

async function unwrapped(secret: BoundSecret, clock: Clock): Promise<Secret> {
  const outcome = await readOnce(secret, { clock, over: never });
  if (outcome.ok) return outcome.secret;
  throw outcome.failure;
}

/** How each secret stands that the integrations need. Nothing but the stores is asked. */
export async function secretsOnce(items: readonly Item[], clock: Clock): Promise<SecretItem[]> {
  const standing = new SecretStanding();
  const secrets = standing.replace(items, clock.now());
  const read = async (secret: BoundSecret): Promise<void> => {
    const startedTick = clock.tick();
    const outcome = await readOnce(secret, { clock, over: never });
    const reading: Reading = { ...outcome, startedTick, endedTick: clock.tick(), at: clock.now() };
    standing.read(secret.id, reading, true);
  };
  await Promise.all(secrets.map(read));
  return standing.all(clock.now());
}
