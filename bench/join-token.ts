export interface Api {
  readonly origin: string;
  /** The operator's token. */
  readonly token: string;
}

/** A join token for a connector of that name. Throws where the control plane makes none. */
export async function joinToken({ origin, token }: Api, connector: string): Promise<string> {
  const response = await fetch(`${origin}/api/v1/tokens`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ connector }),
  });
  if (!response.ok) throw new Error(`token: ${response.status} ${await response.text()}`);
  return ((await response.json()) as { token: string }).token;
}
