import type { Clock } from "../../clock.ts";
import type { GivenToken } from "../../dial/kept-token.ts";
import type { StoreAnswer, StoreHttp } from "../../dial/store-http.ts";
import type { TokenNames } from "../../dial/token-names.ts";
import { Failure } from "../../failure.ts";
import { objectOf, outage, stranger } from "./answer.ts";
import { exchangeFailure } from "./entra.ts";
import { type Identity, labelOf } from "./identity.ts";

export interface GiverParts {
  readonly identity: Identity;
  readonly clock: Clock;
  /** To the authority: by the store's own proxy and with its CA. */
  readonly http: StoreHttp;
  /** To the endpoint of a managed identity: this machine's own, so by no proxy. */
  readonly near: StoreHttp;
}

/** What is known of a token that was asked for. */
export interface Asked {
  readonly url: URL;
  readonly tenant?: string | undefined;
  /** What the federated token says of itself. */
  readonly names?: TokenNames | undefined;
}

/** The token in the answer of whoever gives tokens. Throws Failure("secret", …) where it holds none. */
export function given({ identity, clock }: GiverParts, asked: Asked, answer: StoreAnswer): GivenToken {
  const { url, tenant, names } = asked;
  if (answer.status === 200) {
    const { access_token: value, expires_in: seconds, expires_on: at } = objectOf(answer) ?? {};
    if (typeof value !== "string" || !/^[\x21-\x7e]+$/.test(value))
      throw stranger(url, 200, "a giver of tokens");
    const lasts = Number(seconds) > 0 ? Number(seconds) * 1000 : Number(at) * 1000 - clock.now();
    return { value, lastsMs: lasts > 0 ? lasts : 0 };
  }
  const failure = outage(url, answer);
  if (failure !== undefined)
    throw new Failure("secret", failure.reason, { ...failure.evidence, giver: url.host });
  const label = labelOf(identity, tenant, names?.subject);
  throw exchangeFailure({ identity, label, url, answer, tenant, names, now: clock.now() });
}
