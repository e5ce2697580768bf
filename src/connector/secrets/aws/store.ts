import type { DescribeSecretResponse } from "@aws-sdk/client-secrets-manager";
import { StoreHttp } from "../../dial/store-http.ts";
import { Failure } from "../../failure.ts";
import type { AwsConfig, AwsRef } from "../aws.ts";
import type { Secret, SecretStore, StorePlace, StoreSettings } from "../secret-store.ts";
import { Calls } from "./calls.ts";
import { endpointOf, inRegion } from "./endpoints.ts";
import { explain } from "./explain.ts";
import { demandTag } from "./gate.ts";
import { StoreHandler } from "./handler.ts";
import { type Held, IdentityKeeper } from "./identity.ts";
import { knownRegion, namedRegion } from "./region.ts";
import { isAboutKeys } from "./rejected.ts";
import { secretOf } from "./secret.ts";
import { profileRegion } from "./shared-files.ts";
import { chooseSource } from "./sources.ts";
import { Sts } from "./sts.ts";
import { AwsTrouble } from "./trouble.ts";

/** Secrets Manager as one store has it: one set of connections, one identity, one client for each region. */
export class AwsStore implements SecretStore<AwsRef> {
  readonly #settings: StoreSettings<AwsConfig>;
  readonly #place: StorePlace;
  readonly #http: StoreHttp;
  readonly #near: StoreHttp;
  readonly #calls: Calls;
  readonly #identity: IdentityKeeper;
  /** What the clients sign with. */
  #held: Held | undefined;

  constructor(settings: StoreSettings<AwsConfig>, place: StorePlace) {
    const { config, ca, proxy } = settings;
    const { clock, network, environment } = place;
    this.#settings = settings;
    this.#place = place;
    this.#http = new StoreHttp({ clock, network, ca, proxy });
    this.#near = new StoreHttp({ clock, network, ca, proxy: "none" });
    const handler = new StoreHandler(this.#http, () => clock.now());
    const own = namedRegion({}, config, environment);
    this.#calls = new Calls({
      handler,
      endpointIn: (region) => {
        const endpoint = config.endpoint ?? endpointOf("SECRETS_MANAGER", environment);
        return endpoint === undefined ? undefined : inRegion(endpoint, own, region);
      },
      keys: () => this.#held?.keys,
    });
    const { profile, roleArn, externalId } = config;
    this.#identity = new IdentityKeeper(clock, (signal) => {
      const sts = new Sts({ handler, endpoint: endpointOf("STS", environment) });
      const parts = { environment, clock, sts, near: this.#near, profile, roleArn, externalId };
      return chooseSource(parts, signal);
    });
  }

  async read(reference: AwsRef, signal: AbortSignal): Promise<Secret> {
    const region = await this.#regionOf(reference);
    try {
      return await this.#readIn(reference, region, signal);
    } catch (error) {
      throw error instanceof Failure ? withPlace(error, region) : error;
    }
  }

  async close(): Promise<void> {
    this.#calls.close();
    await Promise.all([this.#http.close(), this.#near.close()]);
  }

  async #readIn(reference: AwsRef, region: string, signal: AbortSignal): Promise<Secret> {
    const first = await this.#attempt(reference, region, signal);
    if (first.secret !== undefined) return first.secret;
    if (!isAboutKeys(first.trouble)) throw await this.#explained(first, reference, region, signal);
    // Keys that ended early or were withdrawn: once more, where new ones are to be had.
    this.#identity.drop(first.held);
    const renewed = await this.#identity.get(region, signal);
    if (renewed.keys.accessKeyId === first.held.keys.accessKeyId)
      throw await this.#explained(first, reference, region, signal);
    const second = await this.#attempt(reference, region, signal);
    if (second.secret !== undefined) return second.secret;
    throw await this.#explained(second, reference, region, signal);
  }

  async #attempt(reference: AwsRef, region: string, signal: AbortSignal): Promise<Attempt> {
    const held = await this.#identity.get(region, signal);
    this.#held = held;
    const progress: Progress = { operation: "GetSecretValue" };
    const { optIn } = this.#settings;
    try {
      if (optIn.required) {
        progress.operation = "DescribeSecret";
        progress.description = await this.#calls.describe(reference.id, region, signal);
        demandTag(progress.description, optIn.keys);
        progress.operation = "GetSecretValue";
      }
      const value = await this.#calls.value(reference, region, signal);
      const describe = () => this.#describeIfAllowed(progress, reference, region, signal);
      return { held, secret: await secretOf(value, reference, describe) };
    } catch (error) {
      if (error instanceof AwsTrouble) return { held, progress, trouble: error };
      throw error;
    }
  }

  async #describeIfAllowed(
    { description }: Progress,
    { id }: AwsRef,
    region: string,
    signal: AbortSignal,
  ): Promise<DescribeSecretResponse | undefined> {
    try {
      return description ?? (await this.#calls.describe(id, region, signal));
    } catch {
      return undefined; // What it would tell besides is no condition of reading.
    }
  }

  #explained(
    { held, progress, trouble }: Failed,
    reference: AwsRef,
    region: string,
    signal: AbortSignal,
  ): Promise<Failure> {
    const { config, optIn } = this.#settings;
    const asked = {
      reference,
      region,
      operation: progress.operation,
      description: progress.description,
      identity: held.source.told,
      regions: config.regions ?? [],
      gateKeys: optIn.keys,
    };
    const ask = {
      describe: (where: string, own: AbortSignal) => this.#calls.describe(reference.id, where, own),
      list: (wish: Parameters<Calls["list"]>[0], own: AbortSignal) => this.#calls.list(wish, region, own),
    };
    return explain(trouble, asked, ask, { clock: this.#place.clock, signal });
  }

  async #regionOf(reference: AwsRef): Promise<string> {
    const { config } = this.#settings;
    const { environment } = this.#place;
    const named =
      namedRegion(reference, config, environment) ?? (await profileRegion(environment, config.profile));
    return knownRegion(reference.id, named);
  }
}

/** Where it was asked, who was not reached, and whether it is our trust that is missing. */
function withPlace({ reason, evidence, cause }: Failure, region: string): Failure {
  const { endpoint = "", status, dialReason } = evidence;
  const away = reason === "store_timeout" || (reason === "store_unreachable" && status === undefined);
  const unreached = away && endpoint !== "" ? { unreached: endpoint } : {};
  const trust = dialReason === "certificate_untrusted" ? { askedCa: endpoint } : {};
  return new Failure("secret", reason, { region, ...evidence, ...unreached, ...trust }, cause);
}

/** How far an attempt came, and what it learned on its way. */
interface Progress {
  operation: "DescribeSecret" | "GetSecretValue";
  description?: DescribeSecretResponse;
}

interface Failed {
  readonly held: Held;
  readonly progress: Progress;
  readonly secret?: undefined;
  readonly trouble: AwsTrouble;
}

type Attempt = Failed | { readonly held: Held; readonly secret: Secret };
