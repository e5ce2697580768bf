import { type Database, Database as Connection, openWriter, storeErrorOf } from "./database.ts";
import { SqliteReads } from "./sqlite-reads.ts";
import { SqliteTransaction } from "./sqlite-transaction.ts";
import { type Retention, type Store, StoreError, type Transaction } from "./store.ts";

/** Works that are committed together. */
const GROUP = 256;
/** Rows that one prune removes of one table. */
const PRUNED = 5_000;

interface Waiting {
  readonly work: (tx: Transaction) => Promise<unknown>;
  readonly done: (value: unknown) => void;
  readonly failed: (error: unknown) => void;
}

/**
 * The store in one SQLite file: write-ahead log, synced at every commit. Works that wait are committed
 * together, each in a savepoint of its own. `onCommit` is told how long a commit took, in milliseconds.
 */
export function openSqlite(file: string, onCommit: (ms: number) => void = () => {}): Store {
  const writer = openWriter(file);
  const reader = new Connection(file, { readOnly: true });
  return new SqliteStore(file, { writer, reader, onCommit });
}

class SqliteStore extends SqliteReads implements Store {
  readonly #file: string;
  readonly #writer: Database;
  readonly #reader: Database;
  readonly #onCommit: (ms: number) => void;
  readonly #tx: SqliteTransaction;
  #waiting: Waiting[] = [];
  #working: Promise<void> | undefined;
  #closed = false;
  trouble: string | undefined;

  constructor(file: string, parts: { writer: Database; reader: Database; onCommit: (ms: number) => void }) {
    super(parts.reader);
    this.#file = file;
    this.#writer = parts.writer;
    this.#reader = parts.reader;
    this.#onCommit = parts.onCommit;
    this.#tx = new SqliteTransaction(parts.writer);
  }

  transact<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    if (this.#closed) return Promise.reject(new StoreError("broken", "The store is closed."));
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ work, done: (value) => resolve(value as T), failed: reject });
      this.#working ??= this.#commitAll();
    });
  }

  async #commitAll(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        // What arrives in this turn of the event loop shares the sync.
        await new Promise<void>((resolve) => setImmediate(resolve));
        await this.#commitGroup(this.#waiting.splice(0, GROUP));
      }
    } finally {
      this.#working = undefined;
    }
  }

  async #commitGroup(group: readonly Waiting[]): Promise<void> {
    const started = performance.now();
    const ended: (() => void)[] = [];
    try {
      this.#writer.script("begin immediate");
      for (const waiting of group) ended.push(await this.#inSavepoint(waiting));
      this.#writer.script("commit");
    } catch (error) {
      this.#rollBack();
      const told = storeErrorOf(error, this.#file);
      this.trouble = told.message;
      for (const { failed } of group) failed(told);
      return;
    }
    this.trouble = undefined;
    this.#onCommit(performance.now() - started);
    for (const end of ended) end();
  }

  /** What to tell the caller once everything is committed. Throws where the transaction itself broke. */
  async #inSavepoint({ work, done, failed }: Waiting): Promise<() => void> {
    this.#writer.script("savepoint work");
    try {
      const value = await work(this.#tx);
      this.#writer.script("release work");
      return () => done(value);
    } catch (error) {
      if (isDatabaseError(error)) throw error;
      this.#writer.script("rollback to work; release work");
      return () => failed(error);
    }
  }

  #rollBack(): void {
    try {
      this.#writer.script("rollback");
    } catch {
      // A full disk may have rolled back already.
    }
  }

  async prune(retention: Retention): Promise<boolean> {
    return this.transact(async () => {
      const removed = [
        this.#prune("transition", "id", "at < ?", retention.transitionsBefore),
        this.#prune(
          "transition",
          "id",
          "id <= (select max(id) from transition) - ?",
          retention.transitionsMost,
        ),
        this.#prune("bucket", "connector_id, name, at", "at < ?", retention.bucketsBefore),
        this.#prune("command", "id", "ended_at < ?", retention.commandsBefore),
        this.#prune("audit", "id", "id <= (select max(id) from audit) - ?", retention.auditMost),
        this.#prune("token_id", "jti", "expires_at < ?", retention.now),
        this.#prune("join_token", "id", "expires_at < ?", retention.now - 86_400_000),
      ];
      return removed.includes(PRUNED);
    });
  }

  #prune(table: string, key: string, where: string, bound: number): number {
    const chosen = `select ${key} from ${table} where ${where} limit ${PRUNED}`;
    return this.#writer.run(`delete from ${table} where (${key}) in (${chosen})`, bound);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#working;
    this.#reader.close();
    this.#writer.close();
  }
}

function isDatabaseError(error: unknown): boolean {
  return typeof (error as { errcode?: unknown } | null)?.errcode === "number";
}
