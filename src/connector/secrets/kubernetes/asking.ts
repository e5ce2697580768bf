import type { CallOptions } from "../../kubernetes/calls.ts";
import type { KubernetesApi } from "../../kubernetes/api.ts";

export interface SecretPlace {
  readonly name: string;
  readonly namespace: string;
}

/** One reading of one Secret, for those who find out why it failed. */
export interface Asking {
  readonly api: KubernetesApi;
  readonly at: SecretPlace;
  readonly signal: AbortSignal;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** A question that only makes a message better may take so long. Milliseconds. */
const ASIDE_MS = 2_000;

export function aside({ signal }: Asking): CallOptions {
  return { signal, timeoutMs: ASIDE_MS };
}
