import { StoreHttp } from "../../dial/store-http.ts";
import { Failure } from "../../failure.ts";
import type { Secret, SecretStore, StorePlace, StoreSettings } from "../secret-store.ts";
import { Api, stranger } from "./api.ts";
import { crc32c } from "./crc32c.ts";
import { Details } from "./details.ts";
import { Doubts } from "./doubts.ts";
import type { Asked } from "./explain.ts";
import { endpointOf, GLOBAL, locationOf, mismatch, parseName, type SecretName } from "./name.ts";
import { obtainer } from "./obtain.ts";
import { type Accessed, accessed, idOf, type SecretResource, secretResource } from "./resources.ts";
import type { Status } from "./status.ts";
import { POD_TOKEN_FILE } from "./subject.ts";
import { Tokens } from "./tokens.ts";

interface Ref {
  readonly name: string;
}

interface Config {
  readonly endpoint?: string | undefined;
  readonly credentialsFile?: string | undefined;
}

/** One client for all secrets of a store: one pool of connections, one token. */
export class GcpStore implements SecretStore<Ref> {
  readonly #settings: StoreSettings<Config>;
  readonly #http: StoreHttp;
  readonly #identity: ReturnType<typeof obtainer>;
  readonly #tokens: Tokens;
  readonly #api: Api;
  readonly #details: Details;
  readonly #doubts: Doubts;

  constructor(settings: StoreSettings<Config>, place: StorePlace, podTokenFile = POD_TOKEN_FILE) {
    const { ca, proxy } = settings;
    this.#settings = settings;
    this.#http = new StoreHttp({ clock: place.clock, network: place.network, ca, proxy });
    this.#identity = obtainer({ settings, place, http: this.#http, podTokenFile });
    this.#tokens = new Tokens(place.clock, this.#identity.obtain);
    this.#api = new Api(this.#http, this.#tokens);
    this.#details = new Details(this.#api, place.clock);
    this.#doubts = new Doubts(this.#api);
  }

  async read(ref: Ref, signal: AbortSignal): Promise<Secret> {
    const name = parseName(ref.name);
    if (name === undefined) throw new TypeError("the name was not judged");
    const base = this.#baseOf(name);
    const { optIn } = this.#settings;
    const secret = optIn.required ? await this.#secret(name, base, signal) : undefined;
    if (secret !== undefined && !optIn.keys.some((key) => secret.labels[key] === "true"))
      throw new Failure("secret", "secret_not_tagged", { gate: "label", gateKey: optIn.keys[0] ?? "" });
    const found = await this.#access({ name, base, known: secret }, signal);
    const version = idOf(found.name);
    const details = await this.#details.of({ name, base, version, secret }, signal);
    return { text: textOf(found), version, ...details };
  }

  async close(): Promise<void> {
    this.#tokens.close();
    await Promise.all([this.#http.close(), this.#identity.close()]);
  }

  /** Google's endpoint for the secret's location unless another is named. */
  #baseOf(name: SecretName): URL {
    const { endpoint } = this.#settings.config;
    const url = endpoint === undefined ? endpointOf(name.location) : new URL(endpoint);
    const region = locationOf(url);
    if (region !== undefined && region !== (name.location ?? GLOBAL)) {
      const evidence = { ...mismatch(name, region), wrongEndpoint: url.host };
      throw new Failure("secret", "secret_region_mismatch", evidence);
    }
    return new URL("v1/", url.href.endsWith("/") ? url : `${url.href}/`);
  }

  async #secret(name: SecretName, base: URL, signal: AbortSignal): Promise<SecretResource> {
    const url = new URL(name.resource, base);
    const answer = await this.#api.get(url, signal);
    if ("refusal" in answer) {
      const asked = { name, permission: "secretmanager.secrets.get", exists: false } as const;
      throw await this.#told(answer.refusal, { asked, base, secret: undefined }, signal);
    }
    return whole(secretResource.safeParse(answer.value).data, url);
  }

  async #access({ name, base, known }: Sought, signal: AbortSignal): Promise<Accessed> {
    const url = new URL(`${name.resource}/versions/${name.version}:access`, base);
    for (let again = false; ; again = true) {
      const answer = await this.#api.get(url, signal);
      if ("refusal" in answer) {
        const asked = {
          name,
          permission: "secretmanager.versions.access",
          exists: known !== undefined,
        } as const;
        throw await this.#told(answer.refusal, { asked, base, secret: known }, signal);
      }
      const found = whole(accessed.safeParse(answer.value).data, url);
      if (isIntact(found)) return found;
      // Google's own advice: a value that was damaged on its way is asked for once more.
      if (again) throw stranger(url, "twice the value did not match its checksum");
    }
  }

  async #told(
    refusal: Status,
    doubt: { asked: Omit<Asked, "who">; base: URL; secret: SecretResource | undefined },
    signal: AbortSignal,
  ): Promise<Failure> {
    const { who } = await this.#tokens.get(signal);
    const asked = { ...doubt.asked, who };
    const own = this.#settings.config.endpoint === undefined;
    return await this.#doubts.settle(refusal, { ...doubt, asked, own }, signal);
  }
}

interface Sought {
  readonly name: SecretName;
  readonly base: URL;
  /** Where it was read for its labels. */
  readonly known: SecretResource | undefined;
}

function isIntact({ payload: { data, dataCrc32c } }: Accessed): boolean {
  return dataCrc32c === undefined || crc32c(Buffer.from(data, "base64")) === Number(dataCrc32c);
}

function textOf({ payload: { data } }: Accessed): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(data, "base64"));
  } catch {
    const evidence = { form: "text", trouble: "it is not UTF-8", example: "a text in UTF-8" };
    throw new Failure("secret", "secret_unparsable", evidence);
  }
}

function whole<T>(value: T | undefined, url: URL): T {
  if (value === undefined) throw stranger(url, "its answer is not of the form that was asked for");
  return value;
}
