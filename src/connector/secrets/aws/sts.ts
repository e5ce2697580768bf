import {
  AssumeRoleCommand,
  AssumeRoleWithWebIdentityCommand,
  type Credentials,
  STSClient,
} from "@aws-sdk/client-sts";
import type { Evidence } from "../../../protocol/words.ts";
import { Failure } from "../../failure.ts";
import { clientSettings } from "./client-settings.ts";
import type { StoreHandler } from "./handler.ts";
import type { FetchContext, Keys } from "./identity.ts";
import { giverFailed, isAboutKeys, keysRejected, noIdentity, STS, throttled } from "./rejected.ts";
import { outage, roleTrouble, webIdentityTrouble } from "./sts-trouble.ts";
import { AwsTrouble, call } from "./trouble.ts";

/** What the session is called in AWS's own records. */
const SESSION = "mooring";

export interface StsParts {
  readonly handler: StoreHandler;
  /** STS's own URL, where the environment names one. */
  readonly endpoint: string | undefined;
}

export interface WebIdentityWish {
  readonly roleArn: string;
  readonly session: string | undefined;
  readonly token: string;
  readonly told: Evidence;
}

export interface RoleWish {
  readonly roleArn: string;
  readonly externalId: string | undefined;
  readonly session?: string | undefined;
  readonly base: Keys;
  /** Whose keys those are. */
  readonly baseTold: Evidence;
  readonly told: Evidence;
}

/** AWS STS, for the two ways to a role. */
export class Sts {
  readonly #parts: StsParts;

  constructor(parts: StsParts) {
    this.#parts = parts;
  }

  /** A token of the cluster against a role's keys. Throws Failure store_identity_rejected. */
  async withWebIdentity(wish: WebIdentityWish, context: FetchContext): Promise<Keys> {
    const { roleArn, session = SESSION, token, told } = wish;
    const command = new AssumeRoleWithWebIdentityCommand({
      RoleArn: roleArn,
      RoleSessionName: session,
      WebIdentityToken: token,
    });
    return await this.#ask(
      context,
      undefined,
      (client, abortSignal) => client.send(command, { abortSignal }),
      {
        told,
        explain: (trouble) => webIdentityTrouble(trouble, told),
      },
    );
  }

  /** Other keys against a role's. Throws Failure store_identity_rejected. */
  async withKeys(wish: RoleWish, context: FetchContext): Promise<Keys> {
    const { roleArn, externalId, session = SESSION, base, baseTold, told } = wish;
    const command = new AssumeRoleCommand({
      RoleArn: roleArn,
      RoleSessionName: session,
      ...(externalId === undefined ? {} : { ExternalId: externalId }),
    });
    return await this.#ask(context, base, (client, abortSignal) => client.send(command, { abortSignal }), {
      told,
      explain: (trouble) =>
        isAboutKeys(trouble) ? keysRejected(trouble, baseTold) : roleTrouble(trouble, told),
    });
  }

  async #ask(
    { region, signal }: FetchContext,
    keys: Keys | undefined,
    send: (client: STSClient, signal: AbortSignal) => Promise<{ Credentials?: Credentials | undefined }>,
    { told, explain }: { told: Evidence; explain: (trouble: AwsTrouble) => Failure },
  ): Promise<Keys> {
    const { handler, endpoint } = this.#parts;
    const client = new STSClient(clientSettings({ region, endpoint, handler, keys: () => keys }));
    try {
      const answer = await call(handler, signal, (own) => send(client, own));
      return keysOf(answer.Credentials, told);
    } catch (error) {
      if (error instanceof AwsTrouble) throw throttled(error, told) ?? outage(error, told) ?? explain(error);
      if (
        error instanceof Failure &&
        error.reason.startsWith("store_") &&
        error.evidence["identity"] === undefined
      )
        throw giverFailed(told, STS, error);
      throw error;
    } finally {
      client.destroy();
    }
  }
}

function keysOf(found: Credentials | undefined, told: Evidence): Keys {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = found ?? {};
  if (AccessKeyId === undefined || SecretAccessKey === undefined)
    throw noIdentity(told, "AWS STS answered without keys");
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
    endsAt: Expiration?.getTime(),
  };
}
