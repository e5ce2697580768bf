import { once } from "node:events";
import type http from "node:http";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { generateKeyPair, SignJWT } from "jose";
import { azure } from "../../../src/connector/secrets/azure.ts";
import { type Authority, createAuthority } from "../../../src/demo/certificates.ts";
import type { Report } from "../../../src/protocol/report.ts";
import { place } from "../../fake/secret.ts";
import { httpServer, httpsServer, type Target } from "../../fake/targets.ts";
import { letterOf, lookFor, type Wish } from "../row.ts";

export const TENANT = "11111111-2222-4333-8444-555555555555";
export const CLIENT = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
export const OBJECT = "0f0f0f0f-1e1e-4d2d-8c3c-4b4b5a5a6969";
export const VERSION = "4387e9f3d6e14c459867679a90fd0f79";
export const OLDER = "0c0c9f3d6e14c459867679a90fd0aaaa";
/** A name in Azure's own domain; this place alone knows it, as this machine. */
export const VAULT_HOST = "orders-kv.vault.azure.net";

export const CANARY = {
  value: "cnry-az-value-19d2",
  token: "cnry.az-access-token.77aa",
  secret: "cnry~client-secret.0e51",
  header: "cnry-identity-header-3c3c",
};

/** What one request gets. */
export interface Answered {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Key Vault's error body (https://learn.microsoft.com/azure/key-vault/general/rest-error-codes). */
export function fault(status: number, code: string, message: string, inner?: string): Answered {
  const error = { code, message, ...(inner === undefined ? {} : { innererror: { code: inner } }) };
  return { status, body: { error } };
}

/** Entra's error body (RFC 6749 §5.2 with Entra's own members). */
export function entraFault(number: number, error: string, words: string, status = 401): Answered {
  const description = `AADSTS${number}: ${words} Trace ID: 6f0b9f5e-0000 Correlation ID: 8f043819-0000 Timestamp: 2026-01-02 03:04:05Z`;
  const body = {
    error,
    error_description: description,
    error_codes: [number],
    timestamp: "2026-01-02 03:04:05Z",
  };
  return { status, body };
}

export function bundle(more: { attributes?: object; tags?: object; id?: string } = {}): Answered {
  const value = JSON.stringify({ username: "orders", password: CANARY.value });
  const attributes = { enabled: true, created: 1_700_000_000, updated: 1_700_000_000, ...more.attributes };
  const id = `https://${VAULT_HOST}/secrets/orders-db/${more.id ?? VERSION}`;
  return { status: 200, body: { value, id, attributes, tags: more.tags ?? {} } };
}

type Answer = (request: http.IncomingMessage, body: string) => Answered;

/** A vault, an authority and managed identities, as they answer on the wire. Each may be told to fail. */
export class Cloud implements AsyncDisposable {
  readonly directory: string;
  readonly authority: Authority;
  readonly #vault: Target;
  readonly #entra: Target;
  readonly #managed: Target;
  readonly #asked: string[] = [];
  readonly #forms: URLSearchParams[] = [];
  #answers: Record<string, Answered> = {};
  #entraAnswer: Answered | undefined;
  #managedAnswer: Answered | undefined;
  #token = CANARY.token;
  challenge = `Bearer authorization="https://login.windows.net/${TENANT}", resource="https://vault.azure.net"`;

  private constructor(directory: string, authority: Authority, servers: readonly Target[]) {
    this.directory = directory;
    this.authority = authority;
    [this.#vault, this.#entra, this.#managed] = servers as [Target, Target, Target];
  }

  static async open(): Promise<Cloud> {
    const directory = await mkdtemp(join(tmpdir(), "mooring-azure-"));
    const authority = await createAuthority("mooring azure test");
    await writeFile(join(directory, "ca.pem"), authority.certPem);
    const { certPem: cert, keyPem: key } = await authority.issue({ names: [VAULT_HOST, "127.0.0.1"] });
    const hosts = `127.0.0.1 ${VAULT_HOST} stray-kv.example.org\n`;
    await writeFile(join(directory, "hosts"), hosts);
    await writeFile(join(directory, "resolv.conf"), "");
    let cloud: Cloud | undefined;
    const answering =
      (choose: (cloud: Cloud) => Answer): http.RequestListener =>
      (request, response) =>
        void reply(request, response, (body) => choose(cloud as Cloud)(request, body));
    const servers = [
      await httpsServer(
        { cert, key },
        answering((cloud) => cloud.#fromVault),
      ),
      await httpServer(answering((cloud) => cloud.#fromEntra)),
      await httpServer(answering((cloud) => cloud.#fromManaged)),
    ];
    cloud = new Cloud(directory, authority, servers);
    return cloud;
  }

  /** From now on: what the vault gives by path and query, and what gives tokens. Forgets what was asked. */
  set(
    answers: Record<string, Answered>,
    { entra, managed, token }: { entra?: Answered; managed?: Answered; token?: string } = {},
  ): void {
    this.#answers = answers;
    this.#entraAnswer = entra;
    this.#managedAnswer = managed;
    this.#token = token ?? CANARY.token;
    this.#asked.length = 0;
    this.#forms.length = 0;
  }

  asked(): readonly string[] {
    return this.#asked;
  }

  forms(): readonly URLSearchParams[] {
    return this.#forms;
  }

  get vault(): string {
    return `https://${VAULT_HOST}:${this.#vault.port}`;
  }

  get entra(): string {
    return `http://127.0.0.1:${this.#entra.port}`;
  }

  get managed(): string {
    return `http://127.0.0.1:${this.#managed.port}`;
  }

  readonly #fromVault: Answer = (request) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "https://x");
    this.#asked.push(`${pathname}${request.headers.authorization === undefined ? " (no token)" : ""}`);
    if (request.headers.authorization !== `Bearer ${this.#token}`) {
      const headers = { "www-authenticate": this.challenge };
      return (
        this.#answers["401"] ?? {
          ...fault(401, "Unauthorized", "AKV10000: Request is missing a Bearer or PoP token."),
          headers,
        }
      );
    }
    if (searchParams.get("api-version") === null)
      return fault(400, "BadParameter", "api-version must be specified");
    return (
      this.#answers[pathname] ??
      fault(404, "SecretNotFound", `A secret with (name/id) ${pathname} was not found in this key vault.`)
    );
  };

  readonly #fromEntra: Answer = (request, body) => {
    this.#asked.push(`entra ${request.url}`);
    this.#forms.push(new URLSearchParams(body));
    return (
      this.#entraAnswer ?? {
        status: 200,
        body: { token_type: "Bearer", expires_in: 3599, ext_expires_in: 3599, access_token: CANARY.token },
      }
    );
  };

  readonly #fromManaged: Answer = (request) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "https://x");
    const resource = searchParams.get("resource") ?? "";
    this.#asked.push(`managed ${pathname} ${resource} ${searchParams.get("client_id") ?? ""}`.trim());
    const known =
      request.headers["metadata"] === "true" || request.headers["x-identity-header"] === CANARY.header;
    if (!known)
      return {
        status: 400,
        body: { error: "invalid_request", error_description: "Required metadata header not specified" },
      };
    return (
      this.#managedAnswer ?? {
        status: 200,
        body: {
          access_token: CANARY.token,
          expires_on: String(Math.floor(Date.now() / 1000) + 86_400),
          resource,
          token_type: "Bearer",
        },
      }
    );
  };

  /** The vault under another name, which its certificate has. */
  async twin(host: string): Promise<AsyncDisposable & { readonly vault: string }> {
    const { certPem: cert, keyPem: key } = await this.authority.issue({ names: [host] });
    const server = await httpsServer(
      { cert, key },
      (request, response) => void reply(request, response, (body) => this.#fromVault(request, body)),
    );
    return {
      vault: `https://${host}:${server.port}`,
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  }

  #files = 0;

  /** A file of the connector's with this in it. */
  async file(text: string): Promise<string> {
    this.#files += 1;
    const folder = join(this.directory, String(this.#files));
    await mkdir(folder);
    await writeFile(join(folder, "token"), text);
    return join(folder, "token");
  }

  /** The variables that AKS sets for workload identity, with a token of the cluster's. */
  async federated(): Promise<Record<string, string>> {
    const { privateKey } = await generateKeyPair("RS256");
    const jwt = new SignJWT({})
      .setProtectedHeader({ alg: "RS256" })
      .setSubject("system:serviceaccount:infra:mooring");
    jwt.setIssuer("https://westeurope.oic.prod-aks.azure.com/t/c/").setAudience("api://AzureADTokenExchange");
    const token = await jwt.setExpirationTime("1h").sign(privateKey);
    this.#tokens.push(token);
    return {
      AZURE_FEDERATED_TOKEN_FILE: await this.file(`${token}\n`),
      AZURE_CLIENT_ID: CLIENT,
      AZURE_TENANT_ID: TENANT,
      AZURE_AUTHORITY_HOST: `${this.entra}/`,
    };
  }

  readonly #tokens: string[] = [];

  /** The declaration with a client secret. */
  async withSecret(): Promise<Record<string, string>> {
    const clientSecretFile = await this.file(CANARY.secret);
    return { authority: this.entra, clientId: CLIENT, tenantId: TENANT, clientSecretFile };
  }

  async look(ref: object = {}, { environment, config, ...wish }: Looking = {}): Promise<Report> {
    return await lookFor({
      type: azure,
      ref: { vault: this.vault, name: "orders-db", ...ref },
      config: config ?? (environment === undefined ? await this.withSecret() : {}),
      ca: join(this.directory, "ca.pem"),
      place: this.place(environment),
      ...wish,
      canaries: [...Object.values(CANARY), ...this.#tokens],
    });
  }

  place(environment: Record<string, string> = {}): ReturnType<typeof place> {
    const files = {
      MOORING_HOSTS: join(this.directory, "hosts"),
      MOORING_RESOLV_CONF: join(this.directory, "resolv.conf"),
    };
    return place({ ...files, ...environment }, this.directory);
  }

  /** What a person reads, without what differs from run to run. */
  letter(report: Report): string {
    return letterOf(report)
      .replaceAll(new RegExp(`${this.directory}/\\d+`, "g"), "/run/mooring")
      .replaceAll(/(azure\.net|example\.org):\d+/g, "$1");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of [this.#vault, this.#entra, this.#managed]) await server[Symbol.asyncDispose]();
    await rm(this.directory, { recursive: true, force: true });
  }
}

export type Looking = Partial<Omit<Wish<unknown, unknown>, "type" | "ref" | "config" | "place">> & {
  readonly environment?: Record<string, string>;
  readonly config?: Record<string, string>;
};

async function reply(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  answer: (body: string) => Answered,
): Promise<void> {
  let text = "";
  request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  await once(request, "end");
  const { status, body, headers = {} } = answer(text);
  response.writeHead(status, { "content-type": "application/json; charset=utf-8", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
}
