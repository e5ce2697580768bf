import { createHash, randomUUID } from "node:crypto";
import { CompactSign, type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from "jose";
import { z } from "zod";
import { type EnrolRequest, enrolAnswer, publicKeyJwk, TOKEN } from "../protocol/enrolment.ts";
import { readAccountToken } from "./account-token.ts";
import type { Clock } from "./clock.ts";
import type { TokenFrom } from "./enrol-words.ts";
import { Refusal } from "./refusal.ts";
import type { Credential } from "./sessions.ts";
import type { StateStore } from "./state.ts";
import { readToken } from "./state-dir.ts";

/** Sends an enrolment. Resolves with the answer's body, and rejects with a Refusal. */
export type Enrol = (request: EnrolRequest, signal: AbortSignal) => Promise<unknown>;

export interface IdentitySettings extends TokenFrom {
  readonly state: StateStore;
  /** The control plane's http(s) origin. */
  readonly audience: string;
  readonly enrol: Enrol;
  readonly clock: Clock;
  /** Told of the token of an enrolment, so that it can be kept out of logs. */
  readonly onToken: (token: string) => void;
}

const KEY_FILE = "key.json";
const ENROLMENT_FILE = "enrolment.json";

const storedKey = z.object({ ...publicKeyJwk.shape, d: z.string() });
/** What was enrolled, and by which token and key: fingerprints, never the token. */
const storedEnrolment = enrolAnswer.extend({
  tokenMark: z.string(),
  keyMark: z.string(),
  /** The control plane's origin at that time. */
  origin: z.string().default(""),
});
type Enrolment = z.infer<typeof storedEnrolment>;

interface Key {
  readonly sign: CryptoKey;
  readonly jwk: z.infer<typeof publicKeyJwk>;
  readonly mark: string;
}

const markOf = (text: string): string => createHash("sha256").update(text).digest("hex");

/** Who the connector is: one key for its life, made and stored before anything of it is sent. */
export class Identity {
  readonly #settings: IdentitySettings;
  #key: Key | undefined;
  #enrolment: Enrolment | undefined;
  /** The token that was refused last, by its mark: no reason to hurry. Sent again only where that may help. */
  #refused: { readonly mark: string; readonly refusal: Refusal } | undefined;
  /** The control plane takes the key no more, and a ServiceAccount's token may change that. */
  #mustEnrol = false;

  constructor(settings: IdentitySettings) {
    this.#settings = settings;
  }

  /** Finds out what can be known before the first attempt. Rejects with a Refusal. */
  async prepare(): Promise<void> {
    this.#key ??= await this.#loadKey();
    this.#enrolment ??= await this.#loadEnrolment(this.#key);
    const token = await this.#newToken();
    if (!this.#isEnrolled && token === undefined) throw this.#unenrolled();
  }

  /** The control plane does not take the key: with a ServiceAccount's token it enrols again. */
  mustEnrol(): void {
    this.#mustEnrol = this.#settings.serviceAccountTokenFile !== undefined;
  }

  get #isEnrolled(): boolean {
    return this.#enrolment !== undefined && !this.#mustEnrol;
  }

  /** A token for one attempt, enrolling first where that is due. Rejects with a Refusal. */
  async credential(offsetMs: number, signal: AbortSignal): Promise<Credential> {
    this.#key ??= await this.#loadKey();
    this.#enrolment ??= await this.#loadEnrolment(this.#key);
    // A revocation may have been taken back: it asks again, if seldom.
    const token = await (this.#refused?.refusal.word === "account_revoked"
      ? this.#dueToken()
      : this.#newToken());
    if (token !== undefined) this.#enrolment = await this.#enrol(this.#key, token, signal);
    if (this.#enrolment === undefined || this.#mustEnrol) throw this.#unenrolled();
    return this.#sign(this.#key, this.#enrolment, offsetMs);
  }

  /** Whether there is a token to enrol by that was neither used nor refused. */
  async hasNewToken(): Promise<boolean> {
    try {
      return (await this.#newToken()) !== undefined;
    } catch {
      return false;
    }
  }

  #unenrolled(): Refusal {
    if (this.#refused !== undefined) return this.#refused.refusal;
    const says =
      "The connector is not enrolled and was given no join token: name one with --join-token-file.";
    return new Refusal("join_token_missing", says, { after: "stop" });
  }

  /** The token to enrol by, where that is due and it is another one than the one that was refused. */
  async #newToken(): Promise<string | undefined> {
    const token = await this.#dueToken();
    return token === undefined || markOf(token) === this.#refused?.mark ? undefined : token;
  }

  async #dueToken(): Promise<string | undefined> {
    const { serviceAccountTokenFile, onToken } = this.#settings;
    if (serviceAccountTokenFile === undefined) return this.#newJoinToken();
    // Once enrolled the key is enough: the kubelet's new tokens are no reason to enrol again.
    if (this.#isEnrolled) return undefined;
    const { token } = await readAccountToken(serviceAccountTokenFile);
    onToken(token);
    return token;
  }

  /** The join token of the file, where it is another one than the one that was used or refused. */
  async #newJoinToken(): Promise<string | undefined> {
    const { joinTokenFile, onToken } = this.#settings;
    if (joinTokenFile === undefined) return undefined;
    const token = await readToken(joinTokenFile).catch((error: unknown) => {
      // Once enrolled, the file may be gone: it was for one use.
      if (this.#enrolment !== undefined) return "";
      throw error;
    });
    if (token === "") return undefined;
    onToken(token);
    return markOf(token) === this.#enrolment?.tokenMark ? undefined : token;
  }

  async #enrol(key: Key, token: string, signal: AbortSignal): Promise<Enrolment> {
    const { audience, enrol } = this.#settings;
    const payload = new TextEncoder().encode(JSON.stringify({ token, aud: audience }));
    const proof = await new CompactSign(payload).setProtectedHeader({ alg: "EdDSA" }).sign(key.sign);
    const tokenMark = markOf(token);
    try {
      const answer = enrolAnswer.safeParse(await enrol({ token, publicKeyJwk: key.jwk, proof }, signal));
      if (!answer.success)
        throw new Refusal("not_a_control_plane", "The answer to the enrolment is not a control plane's.");
      const enrolment = { ...answer.data, tokenMark, keyMark: key.mark, origin: audience };
      await this.#settings.state.write(ENROLMENT_FILE, enrolment);
      this.#mustEnrol = false;
      return enrolment;
    } catch (error) {
      const refused = error instanceof Refusal && error.after === "stop";
      if (refused) this.#refused = { mark: tokenMark, refusal: error };
      // A bad new token takes nothing from a connector that is enrolled.
      if (refused && this.#enrolment !== undefined && !this.#mustEnrol) return this.#enrolment;
      throw error;
    }
  }

  async #sign(key: Key, { connectorId, keyId, ...told }: Enrolment, offsetMs: number): Promise<Credential> {
    // A control plane that got another address knows the key still, and itself by that address alone.
    const hasMoved = told.origin !== "" && told.origin !== this.#settings.audience;
    const audience = told.audience === "" || hasMoved ? this.#settings.audience : told.audience;
    const now = Math.floor((this.#settings.clock.now() + offsetMs) / 1000);
    const token = await new SignJWT()
      .setProtectedHeader({ alg: "EdDSA", kid: keyId, typ: "JWT" })
      .setIssuer(connectorId)
      .setSubject(connectorId)
      .setAudience(audience)
      .setIssuedAt(now - TOKEN.issuedBackSeconds)
      .setExpirationTime(now + TOKEN.expiresAfterSeconds)
      .setJti(randomUUID())
      .sign(key.sign);
    return { connectorId, token };
  }

  async #loadKey(): Promise<Key> {
    const found = await this.#settings.state.read(KEY_FILE, storedKey);
    if (found !== undefined) return keyOf(found);
    const { privateKey } = await generateKeyPair("EdDSA", { crv: "Ed25519", extractable: true });
    const jwk = storedKey.parse(await exportJWK(privateKey));
    await this.#settings.state.writeNew(KEY_FILE, jwk);
    // A doctor of the same identity may have been faster: then its key is the one.
    return keyOf((await this.#settings.state.read(KEY_FILE, storedKey)) ?? jwk);
  }

  /** What was enrolled with this key at this control plane; another's is no help here. */
  async #loadEnrolment(key: Key): Promise<Enrolment | undefined> {
    const found = await this.#settings.state.read(ENROLMENT_FILE, storedEnrolment);
    return found?.keyMark === key.mark ? found : undefined;
  }
}

async function keyOf(jwk: z.infer<typeof storedKey>): Promise<Key> {
  const sign = await importJWK(jwk as JWK, "EdDSA");
  if (sign instanceof Uint8Array) throw new TypeError("an imported key pair is no bytes");
  return { sign, jwk: publicKeyJwk.parse(jwk), mark: markOf(jwk.x) };
}
