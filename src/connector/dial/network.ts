import type { AddressPolicy } from "./address.ts";
import type { ResolverSettings } from "./resolver.ts";
import type { Trust } from "./trust.ts";

/** What a dial needs to know of the place it runs in. */
export interface Network {
  readonly resolver: () => Promise<ResolverSettings>;
  readonly policy: AddressPolicy;
  readonly trust: Trust;
  /** The proxy variables, as `process.env` has them. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told of every request that a pool of HTTP connections sends, before it leaves. */
  readonly onSent?: (sent: Sent) => void;
}

/** A request as it is sent: what proves who asks is in it. */
export interface Sent {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}
