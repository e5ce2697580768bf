import { Failure } from "../../failure.ts";
import { KubernetesApi } from "../../kubernetes/api.ts";
import { ApiFailure } from "../../kubernetes/api-failure.ts";
import type { Secret, StorePlace, StoreSettings } from "../secret-store.ts";
import { secretFrom, Versions } from "./content.ts";
import type { SecretPlace } from "./asking.ts";
import { explain } from "./explain.ts";
import { type KubernetesSecret, SECRETS } from "./shape.ts";
import { whyForbidden } from "./why-forbidden.ts";

/** Reads Secrets by plain `get`: one answer has the labels and the data. Lists and watches none. */
export class KubernetesSecrets {
  readonly #settings: StoreSettings;
  readonly #place: StorePlace;
  readonly #api: KubernetesApi;
  readonly #versions = new Versions();

  constructor(settings: StoreSettings, place: StorePlace) {
    const { clock, network, environment } = place;
    this.#settings = settings;
    this.#place = place;
    this.#api = new KubernetesApi({ clock, network, environment, ca: settings.ca, proxy: settings.proxy });
  }

  /** Throws Failure("secret", …). */
  async read(at: SecretPlace, signal: AbortSignal): Promise<Secret> {
    const secret = await this.#get(at, signal);
    this.#judgeGate(secret);
    return secretFrom(secret, this.#versions);
  }

  close(): Promise<void> {
    return this.#api.close();
  }

  async #get(at: SecretPlace, signal: AbortSignal): Promise<KubernetesSecret> {
    try {
      return await this.#api.get(SECRETS, at, { signal });
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      const asking = { api: this.#api, at, signal, now: this.#place.clock.now() };
      if (error.is(403)) return await whyForbidden(asking, error);
      throw await explain(asking, error);
    }
  }

  /** Before the data are decoded. */
  #judgeGate({ metadata: { labels } }: KubernetesSecret): void {
    const { required, keys } = this.#settings.optIn;
    const [gateKey = ""] = keys;
    if (!required || keys.some((key) => labels?.[key] === "true")) return;
    const found = keys.find((key) => labels?.[key] !== undefined);
    const instead = found === undefined ? {} : { gateFound: found, gateValue: labels?.[found] || '""' };
    throw new Failure("secret", "secret_not_tagged", { gate: "label", gateKey, ...instead });
  }
}
