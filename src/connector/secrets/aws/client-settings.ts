import type { StoreHandler } from "./handler.ts";
import type { Keys } from "./identity.ts";

interface Wish {
  readonly region: string;
  /** Absent: the SDK finds it, as it always does. */
  readonly endpoint: string | undefined;
  readonly handler: StoreHandler;
  readonly keys: () => Keys | undefined;
}

/** What all of our SDK clients have in common. */
export function clientSettings({ region, endpoint, handler, keys }: Wish): {
  region: string;
  endpoint?: string;
  requestHandler: StoreHandler;
  maxAttempts: number;
  retryMode: "standard";
  defaultsMode: "standard";
  /** A skew is told and not worked around: every other program of that machine signs with the same clock. */
  disableClockSkewCorrection: boolean;
  customUserAgent: string;
  credentials: () => Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string }>;
} {
  const credentials = (): Promise<{
    accessKeyId: string;
    secretAccessKey: string;
    sessionToken?: string;
  }> => {
    const held = keys();
    if (held === undefined) return Promise.reject(new TypeError("this call is not signed"));
    const { accessKeyId, secretAccessKey, sessionToken } = held;
    return Promise.resolve({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    });
  };
  return {
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    requestHandler: handler,
    maxAttempts: 1,
    retryMode: "standard",
    defaultsMode: "standard",
    disableClockSkewCorrection: true,
    customUserAgent: "mooring",
    // Or the SDK would keep keys of its own that were dropped here.
    credentials: Object.assign(credentials, { memoized: true }),
  };
}
