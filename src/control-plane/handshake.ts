import { connectorSource } from "../protocol/envelope.ts";
import type { FrameOf } from "../protocol/frames.ts";
import { type Hello, instanceKey } from "../protocol/session-frames.ts";
import { SECRETS_CAPABILITY } from "../protocol/secret-frames.ts";
import { secretsDigestOf } from "./secrets.ts";
import type { Outgoing } from "./outgoing.ts";
import { resumeWithDigest } from "./resume.ts";
import type { Claim } from "./seat.ts";
import type { Credential, SessionPlace } from "./session-place.ts";
import { welcomeOf } from "./welcome.ts";

/** hello → welcome → ready, up to the claim that `ready` makes. Nothing of the connector's is touched. */
export class Handshake {
  readonly #place: SessionPlace;
  readonly #credential: Credential;
  readonly #out: Outgoing;
  readonly #maxAgeMs: number;
  readonly #openedAt: number;
  /** The source of this session's frames, once `hello` named it. Of `hello` no more is kept: sessions are long. */
  #source: string | undefined;
  #instanceId = "";
  #nonce = "";

  constructor(
    place: SessionPlace,
    parts: {
      readonly credential: Credential;
      readonly out: Outgoing;
      readonly maxAgeMs: number;
      readonly openedAt: number;
    },
  ) {
    this.#place = place;
    this.#credential = parts.credential;
    this.#out = parts.out;
    this.#maxAgeMs = parts.maxAgeMs;
    this.#openedAt = parts.openedAt;
  }

  /** Empty before `hello`. */
  get instanceId(): string {
    return this.#instanceId;
  }

  /** Whether a frame of that source is this connector's: of this stream, once `hello` named it. */
  isOwn(source: string): boolean {
    if (this.#source !== undefined) return source === this.#source;
    return source.startsWith(connectorSource(this.#credential.connectorId, ""));
  }

  /** Takes `hello`, or says why not. */
  take({ source, data }: FrameOf<"session.hello">): string | undefined {
    const { stream } = data;
    if (this.#source !== undefined) return "second hello";
    if (source !== connectorSource(this.#credential.connectorId, stream.id)) return "foreign source";
    if (stream.first > stream.next || stream.acked >= stream.next) return "impossible stream";
    this.#source = source;
    this.#instanceId = instanceKey(data.instance);
    return undefined;
  }

  /** Sends `welcome`, and gives what `ready` will claim; undefined where the session is over by then. */
  async welcome(hello: Hello, isOver: () => boolean): Promise<Claim | undefined> {
    const { store, sha256, random, clock } = this.#place;
    const credential = this.#credential;
    const receivedAt = clock.now();
    const of = { connectorId: credential.connectorId, sha256 };
    const knowsSecrets = hello.capabilities.includes(SECRETS_CAPABILITY);
    const [resume, secretsDigest] = await store.transact(async (tx) => [
      await resumeWithDigest(tx, hello, of),
      knowsSecrets ? await secretsDigestOf(tx, credential.connectorId, sha256) : null,
    ]);
    if (isOver()) return undefined;
    this.#nonce = Buffer.from(random.bytes(16)).toString("hex");
    const skewMs = Date.parse(hello.wallClock) - receivedAt;
    const claim = { credential, hello, resume, skewMs, openedAt: this.#openedAt };
    const rest = { nonce: this.#nonce, receivedAt, maxAgeMs: this.#maxAgeMs, secretsDigest };
    this.#out.send("session.welcome", welcomeOf(this.#place, { ...claim, ...rest }));
    return claim;
  }

  /** Whether `ready` answers this session's `welcome`. */
  isAnswer(nonce: string): boolean {
    return this.#nonce !== "" && nonce === this.#nonce;
  }
}
