import { Failure } from "../../failure.ts";
import { arnOf } from "./arn.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The region that the configuration names: the reference, the store, the environment. */
export function namedRegion(
  reference: { readonly region?: string | undefined },
  config: { readonly region?: string | undefined },
  environment: Environment,
): string | undefined {
  const inherited = [environment["AWS_REGION"], environment["AWS_DEFAULT_REGION"]].find(isRegion);
  return reference.region ?? config.region ?? inherited;
}

/** Where a secret is looked for: as named, else where its ARN says; undefined where nothing says it. */
export function regionOf(
  reference: { readonly id: string; readonly region?: string | undefined },
  config: { readonly region?: string | undefined },
  environment: Environment,
): string | undefined {
  return namedRegion(reference, config, environment) ?? arnOf(reference.id)?.region;
}

/** The region to ask. Throws Failure where nothing names one, or the secret's ARN is of another. */
export function knownRegion(id: string, named: string | undefined): string {
  const arn = arnOf(id);
  const region = named ?? arn?.region;
  if (region === undefined) throw new Failure("secret", "store_unreachable", { noRegion: "AWS_REGION" });
  if (arn === undefined || arn.region === region) return region;
  const evidence = { actualRegion: arn.region, region, arnRegion: arn.region };
  throw new Failure("secret", "secret_region_mismatch", evidence);
}

function isRegion(text: string | undefined): boolean {
  return text !== undefined && /^[a-z0-9-]{4,32}$/.test(text);
}
