/** What a token of ours says of itself that may be shown: names and times, never the token. */
export interface TokenNames {
  readonly subject?: string | undefined;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
  /** Epoch milliseconds. */
  readonly expiresAt?: number | undefined;
}

/** The claims of a JWT (RFC 7519 §4.1), unverified; undefined where it is none. */
export async function namesOfToken(token: string): Promise<TokenNames | undefined> {
  const { decodeJwt } = await import("jose");
  try {
    const { sub, iss, aud, exp } = decodeJwt(token);
    return {
      subject: textOf(sub),
      issuer: textOf(iss),
      audience: Array.isArray(aud) ? aud.map(String).join(", ") : textOf(aud),
      expiresAt: typeof exp === "number" ? exp * 1000 : undefined,
    };
  } catch {
    // What is no JWT has no claims.
    return undefined;
  }
}

function textOf(claim: unknown): string | undefined {
  return typeof claim === "string" && claim !== "" ? claim : undefined;
}
