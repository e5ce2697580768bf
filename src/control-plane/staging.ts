import { type Sha256, stateDigest } from "../protocol/digest.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { ObservedReport, SnapshotItem, StatusSnapshot } from "../protocol/status-frames.ts";

/** What a page came to: more are to come, the snapshot is whole, or it is refused and why. */
export type Staged =
  | { readonly kind: "more" }
  | { readonly kind: "whole"; readonly items: readonly SnapshotItem[] }
  | {
      readonly kind: "refused";
      readonly code: "invalid" | "tooLarge" | "digestMismatch";
      readonly message: string;
    };

interface Pages {
  readonly snapshotId: string;
  readonly pages: number;
  readonly digest: string;
  next: number;
  bytes: number;
  readonly items: Map<string, SnapshotItem>;
  /** Told by an event of its own since the first page: newer than what the pages say. */
  readonly newer: Map<string, ObservedReport>;
}

/** The pages of one snapshot until it is whole: nothing of it shows before. Bounded by LIMITS. */
export class Staging {
  readonly #sha256: Sha256;
  #pages: Pages | undefined;

  constructor(sha256: Sha256) {
    this.#sha256 = sha256;
  }

  /** `bytes` is the frame's length. */
  page(page: StatusSnapshot, bytes: number): Staged {
    const { snapshotId, pages, digest } = page;
    if (page.page === 1)
      this.#pages = { snapshotId, pages, digest, next: 1, bytes: 0, items: new Map(), newer: new Map() };
    const staged = this.#pages;
    if (staged === undefined || !continues(staged, page)) return this.#refuse("invalid", "not the next page");
    staged.next += 1;
    staged.bytes += bytes;
    for (const item of page.items) staged.items.set(item.name, item);
    if (staged.items.size > LIMITS.snapshotItems || staged.bytes > LIMITS.snapshotBytes)
      return this.#refuse("tooLarge", `a snapshot is at most ${LIMITS.snapshotItems} items`);
    return page.page < pages ? { kind: "more" } : this.#whole(staged);
  }

  /** A status event between the pages. */
  newer(item: ObservedReport): void {
    this.#pages?.newer.set(item.name, item);
  }

  #whole(staged: Pages): Staged {
    this.#pages = undefined;
    if (stateDigest(staged.items.values(), this.#sha256) !== staged.digest)
      return this.#refuse("digestMismatch", "the digest is not that of the items");
    for (const [name, item] of staged.newer) staged.items.set(name, item);
    return { kind: "whole", items: [...staged.items.values()] };
  }

  #refuse(code: "invalid" | "tooLarge" | "digestMismatch", message: string): Staged {
    this.#pages = undefined;
    return { kind: "refused", code, message };
  }
}

function continues(staged: Pages, page: StatusSnapshot): boolean {
  return (
    page.page === staged.next &&
    page.page <= page.pages &&
    page.snapshotId === staged.snapshotId &&
    page.pages === staged.pages &&
    page.digest === staged.digest
  );
}
