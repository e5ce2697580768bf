import { Failure } from "../failure.ts";
import type { Sent } from "../dial/network.ts";
import type { SecretStore, SecretStoreType, StorePlace, StoreSettings } from "./secret-store.ts";
import { holdsValue } from "./withheld.ts";

/** Of the last so many different ones. A store has one identity, with a login and a token for each thing it asks. */
const MOST = 32;
/** Shorter ones are no credential, and would be found everywhere. */
const LEAST = 8;

/**
 * Headers, members and form fields that prove who asks: `authorization`, `x-vault-token`, `x-amz-security-token`,
 * `client_secret`, `client_assertion`, `jwt`, `secret_id` … Not `SecretId`, which is a name.
 */
const PROOF = /(authorization|token|secret|assertion|password|jwt|identity-header|secret_id)$/i;

/** Opens a store of which nothing is told that repeats what it was shown: a server may put that where a name belongs. */
export function openStore<Ref, Config>(
  type: SecretStoreType<Ref, Config>,
  settings: StoreSettings<Config>,
  place: StorePlace,
): SecretStore<Ref> {
  const shown = new Shown();
  const network = { ...place.network, onSent: (sent: Sent) => shown.note(sent) };
  const store = type.open(settings, { ...place, network });
  return {
    read: (ref, signal) =>
      store.read(ref, signal).catch((error: unknown) => {
        throw shown.without(error);
      }),
    close: () => store.close?.() ?? Promise.resolve(),
  };
}

/** What a store was shown to prove who asks. */
class Shown {
  readonly #values = new Set<string>();

  note({ headers, body }: Sent): void {
    for (const [name, value] of [...Object.entries(headers), ...membersOf(body)]) {
      if (PROOF.test(name)) for (const proof of proofsOf(value)) this.#keep(proof);
    }
  }

  /** The failure without such evidence as repeats one of them; another error without its words where those do. */
  without(error: unknown): unknown {
    if (this.#values.size === 0) return error;
    if (!(error instanceof Failure)) {
      const repeats = error instanceof Error && this.#isIn(`${error.message} ${error.stack ?? ""}`);
      return repeats ? new Error("(withheld: it repeats what a secret store was shown)") : error;
    }
    const kept = Object.entries(error.evidence).filter(
      ([, word]) => typeof word !== "string" || !this.#isIn(word),
    );
    return new Failure(error.stage, error.reason, Object.fromEntries(kept), error.cause);
  }

  #isIn(text: string): boolean {
    return holdsValue(text, [...this.#values]);
  }

  #keep(value: string): void {
    if (value.length < LEAST) return;
    this.#values.delete(value); // So that the one in use is the newest.
    this.#values.add(value);
    const [oldest] = this.#values;
    if (oldest !== undefined && this.#values.size > MOST) this.#values.delete(oldest);
  }
}

/** Of a form or a JSON object. */
function membersOf(body: string | undefined): readonly (readonly [string, string])[] {
  if (body === undefined) return [];
  if (!body.startsWith("{")) return [...new URLSearchParams(body)];
  try {
    const members = Object.entries(JSON.parse(body) as object);
    return members.filter((member): member is [string, string] => typeof member[1] === "string");
  } catch {
    return [];
  }
}

/** Without the scheme before it. A signature proves one request alone. */
function proofsOf(value: string): readonly string[] {
  if (value.startsWith("AWS4-")) return [];
  const [scheme = "", proof] = value.split(" ");
  if (proof === undefined) return [value];
  if (!/^basic$/i.test(scheme)) return [proof];
  const login = Buffer.from(proof, "base64").toString();
  return [proof, login.slice(login.indexOf(":") + 1)];
}
