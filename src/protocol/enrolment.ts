import { z } from "zod";
import { idText } from "./envelope.ts";

/** The path of the enrolment, relative to the control plane's origin. */
export const ENROLL_PATH = "/v1/enroll";
/** The path of the session's upgrade. */
export const CONNECT_PATH = "/v1/connect";

/** An Ed25519 public key (RFC 8037). */
export const publicKeyJwk = z.object({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string().regex(/^[A-Za-z0-9_-]{43}$/, "32 bytes, base64url"),
});
export type PublicKeyJwk = z.infer<typeof publicKeyJwk>;

/**
 * `POST /v1/enroll`. `proof` is a compact JWS (alg EdDSA) by the private key of `publicKeyJwk` over the JSON
 * `{"token": the token, "aud": the control plane's http(s) origin}`. The key is stored before it is sent.
 * `token` is a join token, or the token of a Kubernetes ServiceAccount that is registered (a JWT, around 1 kB).
 */
export const enrolRequest = z.object({
  token: z.string().min(16).max(4096),
  publicKeyJwk,
  proof: z.string().min(16).max(8192),
});
export type EnrolRequest = z.infer<typeof enrolRequest>;

/** What the proof signs. */
export const enrolProof = z.object({ token: z.string(), aud: z.string() });

/**
 * The answer, the same one to the same token with the same key until the token expires. A ServiceAccount's token may
 * bring several keys meanwhile: the last one counts.
 */
export const enrolAnswer = z.object({
  connectorId: idText,
  /** The connector's name, as the join token or the registration has it. */
  connector: z.string().default(""),
  /** `kid` of the tokens that the key signs. Thumbprints are base64url: one in 32 begins with `-` or `_`. */
  keyId: z.string().regex(/^[A-Za-z0-9._-]{1,128}$/),
  /** `aud` of those tokens: the control plane's http(s) origin. */
  audience: z.string().default(""),
  /** Certificates to trust beyond the ones in use, PEM, or null. */
  cpTrust: z.string().nullable().default(null),
});
export type EnrolAnswer = z.infer<typeof enrolAnswer>;

/** The member `error` of the problem+json that refuses an enrolment, with the status. */
export const ENROL_ERRORS = {
  invalid: 400,
  token_unknown: 401,
  token_expired: 401,
  /** The token was used with another key. */
  token_used: 401,
  bad_proof: 401,
  bad_audience: 401,
  /** A ServiceAccount's token that nobody vouches for: another cluster's key, or its account or Pod is gone. */
  token_rejected: 401,
  /** A ServiceAccount's token that is not valid yet: one of the clocks is wrong. */
  clock_skew: 401,
  /** The connector was revoked after its join token was made, or its ServiceAccount registered. */
  revoked: 403,
  rate_limited: 429,
  /** The control plane could not ask its cluster about the token. */
  unavailable: 503,
} as const;
export type EnrolError = keyof typeof ENROL_ERRORS;

/** The member `error` of the problem+json that refuses an upgrade, with the status. */
export const UPGRADE_ERRORS = {
  no_subprotocol: 400,
  bad_request: 400,
  /** No token, or one that is none. */
  bad_token: 401,
  expired: 401,
  /** `iat` is more than 60 s ahead of the control plane's clock: the answer's Date says by how much. */
  clock_skew: 401,
  unknown_key: 401,
  bad_audience: 401,
  replayed: 401,
  revoked: 403,
  version: 426,
  /** Too many upgrades at once: Retry-After, in whole seconds, differs from answer to answer. */
  admission: 503,
  draining: 503,
  rate_limited: 429,
} as const;
export type UpgradeError = keyof typeof UPGRADE_ERRORS;

/** The claims of the token that each upgrade carries, `Authorization: Bearer`, header `{alg: "EdDSA", kid: keyId}`. */
export const TOKEN = {
  /** `iat` is this many seconds before now, `exp` this many after. */
  issuedBackSeconds: 30,
  expiresAfterSeconds: 60,
  /** How far `iat` may be ahead, and `exp` behind. */
  toleranceSeconds: 60,
  /** A longer life between `iat` and `exp` is refused. */
  mostSeconds: 300,
} as const;

/** RFC 9457, with the members that we add. */
export const problem = z.looseObject({
  type: z.string().optional(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().optional(),
  error: z.string().optional(),
});
export type Problem = z.infer<typeof problem>;
