import type { KubernetesApi } from "../kubernetes/api.ts";
import type { ApiFailure } from "../kubernetes/api-failure.ts";
import { type Doing, type SourceProblem, troubleWords } from "./trouble.ts";

export interface TroublesParts {
  readonly api: Pick<KubernetesApi, "may">;
  readonly signal: AbortSignal;
  /** All namespaces are followed at once. */
  readonly wide: boolean;
  readonly onProblem: (problem: SourceProblem) => void;
}

/** What is wrong with the source now: told when it begins, when it becomes another, and when it is over. */
export class Troubles {
  readonly #parts: TroublesParts;
  /** By what cannot be done where: the codes of why. */
  readonly #stand = new Map<string, string>();

  constructor(parts: TroublesParts) {
    this.#parts = parts;
  }

  get count(): number {
    return this.#stand.size;
  }

  is(doing: Doing, namespace: string, failure: ApiFailure): void {
    const key = `${doing} ${namespace}`;
    const codes = `${failure.trouble} ${failure.refusal?.status} ${String(failure.evidence["dialReason"])}`;
    if (this.#stand.get(key) === codes) return;
    this.#stand.set(key, codes);
    const { api, wide, signal, onProblem } = this.#parts;
    void troubleWords(api, { doing, namespace, wide }, failure, signal).then((text) => {
      // It may be over, or another one, by now.
      if (!signal.aborted && this.#stand.get(key) === codes) onProblem({ doing, namespace, text });
    });
  }

  isOver(doing: Doing, namespace: string): void {
    if (this.#stand.delete(`${doing} ${namespace}`)) this.#parts.onProblem({ doing, namespace, text: null });
  }
}
