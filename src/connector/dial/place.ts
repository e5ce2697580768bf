import type { Network } from "./network.ts";
import { addressPolicy } from "./address.ts";
import { readResolverSettings } from "./resolver.ts";
import { sharedReading } from "./shared-reading.ts";
import { createTrust } from "./trust.ts";

/**
 * The network of the place that a process runs in. `allow` is `policy.addresses.allow`. A trust that is handed on
 * keeps what it has read.
 */
export function createNetwork(
  environment: Readonly<Record<string, string | undefined>>,
  allow: readonly string[],
  trust = createTrust(),
): Network {
  const files = {
    resolvConf: environment["MOORING_RESOLV_CONF"] ?? "/etc/resolv.conf",
    hosts: environment["MOORING_HOSTS"] ?? "/etc/hosts",
  };
  return {
    resolver: sharedReading(() => readResolverSettings(files)),
    policy: addressPolicy(allow),
    trust,
    environment,
  };
}
