import type { Clock } from "../../clock.ts";
import { readCredential } from "../../dial/credential-file.ts";
import { type GivenToken, KeptToken } from "../../dial/kept-token.ts";
import { namesOfToken } from "../../dial/token-names.ts";
import { Failure } from "../../failure.ts";
import type { Answer, Api } from "./api.ts";
import type { Auth, Login } from "./auth.ts";
import { loginFailure } from "./refused.ts";

/** Who the connector is for Vault. */
export interface Identity {
  /** How it is named to people. */
  readonly label: string;
  /** Throws Failure("secret", …). */
  token(signal: AbortSignal): Promise<string>;
  /** This one was refused: the next is another, where there is another. */
  drop(token: string): void;
}

export function createIdentity(auth: Auth, api: Api, clock: Clock): Identity {
  const label = labelOf(auth);
  if (auth.method === "token") return { label, token: () => readCredential(auth.tokenFile), drop: () => {} };
  const kept = new KeptToken(clock, loginBy(auth, label, api, clock));
  return { label, token: (signal) => kept.get(signal), drop: (token) => kept.drop(token) };
}

function labelOf(auth: Auth): string {
  if (auth.method === "token") return `the token of ${auth.tokenFile}`;
  const who = auth.method === "approle" ? `role id ${auth.roleId}` : `role ${auth.role}`;
  return `${who} of auth/${auth.mount}`;
}

/**
 * Five wrong secret ids, each within 15 minutes of the one before, lock the role id out, for everybody who has it
 * (https://openbao.org/docs/concepts/user-lockout/). Milliseconds.
 */
const REST_MS = 16 * 60_000;

/** Logs in with what stands in the file now. A secret id that was wrong rests: it is told again and not tried again. */
function loginBy(
  auth: Login,
  label: string,
  api: Api,
  clock: Clock,
): (signal: AbortSignal) => Promise<GivenToken> {
  const file = auth.method === "approle" ? auth.secretIdFile : auth.tokenFile;
  let wrong: { readonly credential: string; readonly failure: Failure; readonly at: number } | undefined;
  return async (signal) => {
    const credential = await readCredential(file);
    if (wrong?.credential === credential && clock.tick() - wrong.at < REST_MS) throw wrong.failure;
    wrong = undefined;
    try {
      return await logIn({ auth, label, file, credential }, api, clock, signal);
    } catch (error) {
      const isWrong = error instanceof Failure && "wrongSecretId" in error.evidence;
      if (isWrong) wrong = { credential, failure: error, at: clock.tick() };
      throw error;
    }
  };
}

interface Trying {
  readonly auth: Login;
  readonly label: string;
  readonly file: string;
  readonly credential: string;
}

async function logIn(
  { auth, label, file, credential }: Trying,
  api: Api,
  clock: Clock,
  signal: AbortSignal,
): Promise<GivenToken> {
  const body =
    auth.method === "approle"
      ? { role_id: auth.roleId, secret_id: credential }
      : { role: auth.role, jwt: credential };
  const path = `auth/${auth.mount}/login`;
  const answer = await api.call({ method: "POST", path, body }, signal);
  const given = answer.status === 200 ? tokenOf(answer) : undefined;
  if (given !== undefined) return given;
  const names = auth.method === "approle" ? undefined : await namesOfToken(credential);
  const there = answer.status !== 403 || (await isThere(api, path, signal));
  throw loginFailure({ auth, label, file, names, answer, there, now: clock.now() });
}

/** A login without anything is a bad request where there is an auth method, and forbidden where there is none. */
async function isThere(api: Api, path: string, signal: AbortSignal): Promise<boolean> {
  const empty = await api.call({ method: "POST", path, body: {} }, signal).catch(() => undefined);
  return empty?.status !== 403 && empty?.status !== 404;
}

/** The token of a login's answer; undefined where it holds none, as where a second factor is wanted. */
function tokenOf({ value }: Answer): GivenToken | undefined {
  const auth = value["auth"];
  if (typeof auth !== "object" || auth === null) return undefined;
  const { client_token: token, lease_duration: seconds } = auth as Record<string, unknown>;
  if (typeof token !== "string" || token === "") return undefined;
  // 0: it has no end.
  const lasts = typeof seconds === "number" && seconds > 0 ? seconds * 1000 : Number.POSITIVE_INFINITY;
  return { value: token, lastsMs: lasts };
}

/** A token that Vault does not know any more, or never did, and that nothing newer could be had for. */
export function deadToken(auth: Auth, label: string): Failure {
  const evidence =
    auth.method === "token"
      ? { deadToken: auth.tokenFile, trouble: "the token is wrong, revoked or expired" }
      : { trouble: "its login worked, but the token that it gave is not taken" };
  return new Failure("secret", "store_identity_rejected", { identity: label, code: "403", ...evidence });
}
