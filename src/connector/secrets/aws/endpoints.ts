import { storeUrl } from "../../dial/target-config.ts";
import { Failure } from "../../failure.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The URL that the environment names for a service; undefined where it names none.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
 */
export function endpointOf(service: "STS" | "SECRETS_MANAGER", environment: Environment): string | undefined {
  if (environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]?.toLowerCase() === "true") return undefined;
  const names = [`AWS_ENDPOINT_URL_${service}`, "AWS_ENDPOINT_URL"];
  const name = names.find((one) => (environment[one] ?? "") !== "");
  if (name === undefined) return undefined;
  const url = environment[name] ?? "";
  if (storeUrl.safeParse(url).success) return url;
  throw new Failure("secret", "store_unreachable", { endpointVariable: name });
}

/** An endpoint that names its region, as a VPC endpoint's does, asked for another region: that one's. */
export function inRegion(endpoint: string, own: string | undefined, region: string): string {
  return own === undefined ? endpoint : endpoint.replaceAll(`.${own}.`, `.${region}.`);
}
