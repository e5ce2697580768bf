import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import path from "node:path";
import { z } from "zod";
import type { Log } from "./log.ts";
import type { ClusterPlace } from "./settings.ts";
import { TokenBucket } from "./token-bucket.ts";

/** How long the API server may take. Milliseconds. */
const DEADLINE_MS = 5_000;
/** Bytes of its answer, and of a file of ours. */
const MOST_BYTES = 65_536;
const PATH = "/apis/authentication.k8s.io/v1/tokenreviews";
/** Anybody can make us ask, by a token that says whose it is: so many, and no more. */
const RATE = { perSecond: 10, burst: 50 };

/** What a TokenReview says: https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/ */
const review = z.object({
  status: z.object({
    authenticated: z.boolean().default(false),
    user: z.object({ username: z.string().default("") }).default({ username: "" }),
    audiences: z.array(z.string()).default([]),
  }),
});

export interface Reviewed {
  readonly username: string;
  /** Those of the asked ones that the token is for. */
  readonly audiences: readonly string[];
}

/** Why the cluster could not be asked, in words without a secret. */
class Unasked extends Error {}

/** The cluster that the control plane runs in: asked whether a ServiceAccount's token is good. */
export class OwnCluster {
  readonly #place: ClusterPlace | undefined;
  readonly #log: Log;
  readonly #rate: TokenBucket;

  constructor(place: ClusterPlace | undefined, { log, tick }: { log: Log; tick: () => number }) {
    this.#place = place;
    this.#log = log;
    this.#rate = new TokenBucket(RATE, tick);
  }

  /** Who a token is that is meant for one of the audiences. `token_rejected`: nobody, any more. */
  async review(
    token: string,
    audiences: readonly string[],
  ): Promise<Reviewed | "token_rejected" | "rate_limited" | "unavailable"> {
    if (!this.#rate.take()) return "rate_limited";
    try {
      return (await ask(this.#place, token, audiences)) ?? "token_rejected";
    } catch (error) {
      if (!(error instanceof Unasked)) throw error;
      this.#log.warn({ why: error.message }, "a ServiceAccount's token could not be reviewed");
      return "unavailable";
    }
  }

  /** Why it cannot be asked about tokens of that issuer, in words; undefined where it can. */
  async trouble(issuer: string): Promise<string | undefined> {
    try {
      const own = await ownToken(this.#place);
      const known = issuerOf(own);
      if (known !== undefined && known !== issuer)
        return `The issuer of the control plane's own cluster is ${known}: register that one, or another cluster by its keys (jwks).`;
      await ask(this.#place, own, undefined);
      return undefined;
    } catch (error) {
      if (!(error instanceof Unasked)) throw error;
      return error.message;
    }
  }
}

async function ownToken(place: ClusterPlace | undefined): Promise<string> {
  if (place === undefined) throw new Unasked("The control plane runs in no cluster: register keys (jwks).");
  const file = path.join(place.directory, "token");
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    const says = `The control plane runs in no cluster, or without a ServiceAccount: ${file} cannot be read (${error.code ?? "unknown"}). Set rbac.tokenReview=true in its chart, or register keys (jwks).`;
    throw new Unasked(says);
  });
  return text.trim();
}

function issuerOf(token: string): string | undefined {
  try {
    const body = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as unknown;
    return z.object({ iss: z.string() }).parse(body).iss;
  } catch {
    return undefined;
  }
}

/** Undefined: the cluster does not vouch for the token. Throws Unasked. Token and authority are read anew. */
async function ask(
  place: ClusterPlace | undefined,
  token: string,
  audiences: readonly string[] | undefined,
): Promise<Reviewed | undefined> {
  const own = await ownToken(place);
  const body = JSON.stringify({
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenReview",
    spec: audiences === undefined ? { token } : { token, audiences },
  });
  const { status, text } = await post(place as ClusterPlace, own, body);
  if (status === 403)
    throw new Unasked(
      "The control plane may not create TokenReviews: set rbac.tokenReview=true in its chart.",
    );
  if (status === 401) throw new Unasked("The API server does not accept the control plane's own token.");
  if (status !== 201 && status !== 200) throw new Unasked(`The API server answered ${status}.`);
  const told = review.safeParse(parsed(text));
  if (!told.success) throw new Unasked("The API server's answer is no TokenReview.");
  const { authenticated, user, audiences: meant } = told.data.status;
  return authenticated ? { username: user.username, audiences: meant } : undefined;
}

async function post(
  { host, port, directory }: ClusterPlace,
  token: string,
  body: string,
): Promise<{ status: number; text: string }> {
  const file = path.join(directory, "ca.crt");
  const ca = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    throw new Unasked(`The cluster's authority ${file} cannot be read (${error.code ?? "unknown"}).`);
  });
  const headers = {
    authorization: `Bearer ${token}`,
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
  };
  const signal = AbortSignal.timeout(DEADLINE_MS);
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { method: "POST", host, port, path: PATH, headers, ca, signal, agent: false };
      request(options, resolve).on("error", reject).end(body);
    });
    return { status: response.statusCode ?? 0, text: await textOf(response) };
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    // The errors of a header that cannot be sent would repeat it: only codes are told.
    const why = signal.aborted ? `no answer in ${DEADLINE_MS / 1000} s` : code;
    throw new Unasked(`The API server at ${host}:${port} could not be asked (${why}).`);
  }
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
