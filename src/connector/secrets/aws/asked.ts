import type { DescribeSecretResponse, ListSecretsResponse } from "@aws-sdk/client-secrets-manager";
import type { Evidence } from "../../../protocol/words.ts";

/** What was asked for when AWS answered something else. */
export interface Asked {
  readonly reference: {
    readonly id: string;
    readonly version?: string | undefined;
    readonly stage?: string | undefined;
  };
  readonly region: string;
  readonly operation: "DescribeSecret" | "GetSecretValue";
  /** Where it was read on the way. */
  readonly description: DescribeSecretResponse | undefined;
  /** Of whoever asked. */
  readonly identity: Evidence;
  readonly regions: readonly string[];
  readonly gateKeys: readonly string[];
}

/** What may be asked to find out why. No value is among it. */
export interface Ask {
  readonly describe: (region: string, signal: AbortSignal) => Promise<DescribeSecretResponse>;
  readonly list: (
    wish: { readonly words?: readonly string[] | undefined; readonly after?: string | undefined },
    signal: AbortSignal,
  ) => Promise<ListSecretsResponse>;
}

/** How a failure is looked into: whom to ask, what is known already, and until when. */
export interface Look {
  readonly ask: Ask;
  readonly known: Evidence;
  readonly signal: AbortSignal;
}

/** The answer, or undefined where it may not be asked for or is late. */
export async function quietly<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch {
    return undefined;
  }
}
