import {
  DescribeSecretCommand,
  type DescribeSecretResponse,
  GetSecretValueCommand,
  type GetSecretValueResponse,
  ListSecretsCommand,
  type ListSecretsResponse,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import type { AwsRef } from "../aws.ts";
import type { Ask } from "./asked.ts";
import { clientSettings } from "./client-settings.ts";
import type { StoreHandler } from "./handler.ts";
import type { Keys } from "./identity.ts";
import { call } from "./trouble.ts";

export interface CallParts {
  readonly handler: StoreHandler;
  /** Secrets Manager's URL in a region; undefined for the public one. Throws Failure. */
  readonly endpointIn: (region: string) => string | undefined;
  /** What requests are signed with. */
  readonly keys: () => Keys | undefined;
}

/** The three calls to Secrets Manager, by one client for each region. Each throws AwsTrouble or Failure. */
export class Calls {
  readonly #parts: CallParts;
  readonly #clients = new Map<string, SecretsManagerClient>();

  constructor(parts: CallParts) {
    this.#parts = parts;
  }

  value(
    { id, version, stage }: AwsRef,
    region: string,
    signal: AbortSignal,
  ): Promise<GetSecretValueResponse> {
    const command = new GetSecretValueCommand({
      SecretId: id,
      ...(version === undefined ? {} : { VersionId: version }),
      ...(stage === undefined ? {} : { VersionStage: stage }),
    });
    return this.#call(region, signal, (client, abortSignal) => client.send(command, { abortSignal }));
  }

  describe(id: string, region: string, signal: AbortSignal): Promise<DescribeSecretResponse> {
    const command = new DescribeSecretCommand({ SecretId: id });
    return this.#call(region, signal, (client, abortSignal) => client.send(command, { abortSignal }));
  }

  list(wish: Parameters<Ask["list"]>[0], region: string, signal: AbortSignal): Promise<ListSecretsResponse> {
    const { words, after } = wish;
    const command = new ListSecretsCommand({
      MaxResults: 100,
      ...(words === undefined ? {} : { Filters: [{ Key: "all", Values: [...words] }] }),
      ...(after === undefined ? {} : { NextToken: after }),
    });
    return this.#call(region, signal, (client, abortSignal) => client.send(command, { abortSignal }));
  }

  close(): void {
    for (const client of this.#clients.values()) client.destroy();
    this.#clients.clear();
  }

  #call<T>(
    region: string,
    signal: AbortSignal,
    send: (client: SecretsManagerClient, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const client = this.#client(region);
    return call(this.#parts.handler, signal, (own) => send(client, own));
  }

  #client(region: string): SecretsManagerClient {
    const known = this.#clients.get(region);
    if (known !== undefined) return known;
    const { handler, endpointIn, keys } = this.#parts;
    const settings = clientSettings({ region, endpoint: endpointIn(region), handler, keys });
    const client = new SecretsManagerClient(settings);
    this.#clients.set(region, client);
    return client;
  }
}
