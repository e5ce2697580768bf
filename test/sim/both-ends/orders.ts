import type { CommandRow } from "../../../src/control-plane/store/rows.ts";
import type { Write } from "./disk.ts";
import type { Rule } from "./rules.ts";

/** What becomes of the commands, seen from the wire and from the commits. */
export class Orders {
  readonly #fail: (rule: Rule, says: string) => void;
  /** As it is committed, in the order in which they were asked for. */
  #rows = new Map<string, CommandRow>();
  #commits = 0;
  /** In which commit a command ended. */
  readonly #endedIn = new Map<string, number>();
  /** By process and command: how often it was done. */
  readonly #done = new Map<string, number>();

  constructor(fail: (rule: Rule, says: string) => void) {
    this.#fail = fail;
  }

  get count(): number {
    return this.#rows.size;
  }

  /** Commands of a connector that are not ended. */
  open(connectorId: string): readonly CommandRow[] {
    return [...this.#rows.values()].filter((row) => row.connectorId === connectorId && row.endedAt === null);
  }

  committed(writes: readonly Write[]): void {
    for (const { method, args } of writes) {
      if (method !== "putCommand") continue;
      const row = args[0] as CommandRow;
      const before = this.#rows.get(row.id);
      if (before !== undefined && before.endedAt !== null)
        this.#fail("ended-once", `${row.id} had ended as ${before.state}, and was stored as ${row.state}`);
      this.#rows.set(row.id, row);
      if (row.endedAt !== null) this.#endedIn.set(row.id, this.#commits);
    }
  }

  /** Works that are committed now are committed together. */
  nextCommit(): void {
    this.#commits += 1;
  }

  /** The control plane put a dispatch on the wire. */
  dispatched(connectorId: string, commandId: string): void {
    const row = this.#rows.get(commandId);
    if (row === undefined) return this.#fail("ended-once", `${commandId} was sent and is not stored`);
    // Who is told of a commit may act once before it is told of the rest of it.
    const isKnown = this.#endedIn.get(commandId) !== this.#commits;
    if (row.endedAt !== null && isKnown)
      this.#fail("ended-once", `${commandId} was sent after it ended as ${row.state}`);
    for (const other of this.open(connectorId)) {
      if (other.id === commandId) return;
      // After a restart their order is that of the wall clock, which may have been set back between them.
      if (other.resourceKey === row.resourceKey && other.createdAt <= row.createdAt)
        this.#fail("ended-once", `${commandId} was sent before ${other.id} of ${row.resourceKey} had ended`);
    }
  }

  /** A process of a connector did it. */
  done(process: string, commandId: string): void {
    const key = `${process} ${commandId}`;
    const count = (this.#done.get(key) ?? 0) + 1;
    this.#done.set(key, count);
    if (count > 1) this.#fail("executed-once", `${process} did ${commandId} ${count} times`);
  }

  backup(): unknown {
    return new Map(this.#rows);
  }

  restore(backup: unknown): void {
    this.#rows = new Map(backup as Map<string, CommandRow>);
  }
}
