import { arnOf } from "./arn.ts";
import { type Asked, type Look, quietly } from "./asked.ts";

/** The first of the store's other regions that has the secret. An ARN names its region itself. */
export async function regionThatHas(
  { reference, region, regions }: Asked,
  { ask, signal }: Look,
): Promise<string | undefined> {
  if (arnOf(reference.id) !== undefined) return undefined;
  const others = regions.filter((other) => other !== region);
  const found = await Promise.all(
    others.map(async (other) =>
      (await quietly(ask.describe(other, signal))) === undefined ? undefined : other,
    ),
  );
  return found.find((other) => other !== undefined);
}
