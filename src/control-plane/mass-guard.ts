/** A fleet of fewer connectors is never held back. */
const LEAST = 20;
/** The share that no ordinary trouble silences at once. */
const SHARE = 0.55;

/**
 * When most connectors fall silent at once, the trouble is likely here or on the way: their verdicts are held
 * for `holdMs`, once, and the control plane says that it is degraded. The hold lasts while they come back, when
 * those who are still silent are not most any more, and ends with the last of them.
 */
export class MassGuard {
  readonly #holdMs: number;
  #until: number | undefined;
  /** Verdicts that are due and held now. */
  held = 0;

  constructor(holdMs: number) {
    this.#holdMs = holdMs;
  }

  get degraded(): boolean {
    return this.held > 0;
  }

  /** Whether the due verdicts wait. `expiring` of `total` tracked connectors are silent or about to be called so. */
  holds(
    count: { readonly due: number; readonly expiring: number; readonly total: number },
    tick: number,
  ): boolean {
    const mass = count.total >= LEAST && count.expiring > SHARE * count.total;
    if (mass) this.#until ??= tick + this.#holdMs;
    else if (count.expiring === 0 || tick >= (this.#until ?? 0)) this.#until = undefined;
    const holding = this.#until !== undefined && tick < this.#until;
    this.held = holding ? count.due : 0;
    return holding;
  }
}
