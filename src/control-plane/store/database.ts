import { createHash } from "node:crypto";
import { DatabaseSync, type SQLInputValue, type SQLOutputValue, type StatementSync } from "node:sqlite";
import { MIGRATIONS } from "./migrations.ts";
import { StoreError } from "./store.ts";
import type { Table } from "./tables.ts";

/** "MOOR", in the header of the file: says whose it is. */
const APPLICATION_ID = 0x4d4f4f52;

/** One connection, with its statements prepared once. */
export class Database {
  readonly #handle: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(file: string, { readOnly }: { readOnly: boolean }) {
    this.#handle = new DatabaseSync(file, { readOnly, timeout: 2_000, enableForeignKeyConstraints: true });
  }

  script(sql: string): void {
    this.#handle.exec(sql);
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const made = this.#handle.prepare(sql);
    this.#statements.set(sql, made);
    return made;
  }

  /** Runs a statement; gives how many rows it changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes);
  }

  one(sql: string, ...values: SQLInputValue[]): Record<string, SQLOutputValue> | undefined {
    return this.#prepared(sql).get(...values);
  }

  all(sql: string, ...values: SQLInputValue[]): Record<string, SQLOutputValue>[] {
    return this.#prepared(sql).all(...values);
  }

  put<Row>(table: Table<Row>, row: Row): void {
    this.run(table.put, ...table.write(row));
  }

  /** The first row that the condition names. */
  find<Row>(table: Table<Row>, where: string, ...values: SQLInputValue[]): Row | undefined {
    const found = this.one(`select ${table.columns} from ${table.name} where ${where}`, ...values);
    return found === undefined ? undefined : table.read(found);
  }

  /** All rows that the rest of the query names: `where … order by … limit …`. */
  list<Row>(table: Table<Row>, rest: string, ...values: SQLInputValue[]): Row[] {
    return this.all(`select ${table.columns} from ${table.name} ${rest}`, ...values).map((row) =>
      table.read(row),
    );
  }

  pragma(name: string): number {
    const value = Object.values(this.one(`pragma ${name}`) ?? {})[0];
    return Number(value);
  }

  close(): void {
    this.#statements.clear();
    this.#handle.close();
  }
}

/** Opens the file for writing, durable at every commit, with today's schema. Throws a StoreError. */
export function openWriter(file: string, migrations: readonly string[] = MIGRATIONS): Database {
  let database: Database | undefined;
  try {
    database = new Database(file, { readOnly: false });
    refuseForeign(database, file);
    database.script("pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 1000");
    migrate(database, file, migrations);
    return database;
  } catch (error) {
    try {
      database?.close();
    } catch {
      // The first error is the one to tell.
    }
    throw storeErrorOf(error, file);
  }
}

function refuseForeign(database: Database, file: string): void {
  const tables = Number(database.one("select count(*) as n from sqlite_schema")?.["n"]);
  const application = database.pragma("application_id");
  if (application === APPLICATION_ID || (tables === 0 && application === 0)) return;
  throw new StoreError(
    "not_ours",
    `${file} is a database of another program. Name another --data directory.`,
  );
}

function migrate(database: Database, file: string, migrations: readonly string[]): void {
  database.script("begin immediate");
  try {
    database.script(
      `pragma application_id = ${APPLICATION_ID};
       create table if not exists migration (number integer primary key, checksum text not null) strict`,
    );
    const done = database.all("select number, checksum from migration order by number");
    if (done.length > migrations.length)
      throw new StoreError(
        "newer",
        `${file} was written by a newer Mooring (schema ${done.length}; this one knows ${migrations.length}). Start that version, or restore a backup.`,
      );
    for (const [index, sql] of migrations.entries()) applyOne(database, { file, index, sql, done });
    database.script("commit");
  } catch (error) {
    database.script("rollback");
    throw error;
  }
}

function applyOne(
  database: Database,
  step: { file: string; index: number; sql: string; done: readonly Record<string, SQLOutputValue>[] },
): void {
  const checksum = createHash("sha256").update(step.sql).digest("hex");
  const before = step.done[step.index];
  if (before === undefined) {
    database.script(step.sql);
    database.run("insert into migration (number, checksum) values (?, ?)", step.index + 1, checksum);
  } else if (before["checksum"] !== checksum) {
    throw new StoreError(
      "newer",
      `${step.file} has another schema ${step.index + 1} than this version of Mooring. Start the version that wrote it.`,
    );
  }
}

/** SQLite's primary result codes. */
const CODES: Readonly<Record<number, [StoreError["kind"], (file: string) => string]>> = {
  5: ["in_use", (file) => `${file} is in use by another process. Stop it, or name another --data directory.`],
  6: ["in_use", (file) => `${file} is in use by another process. Stop it, or name another --data directory.`],
  8: [
    "unwritable",
    (file) => `${file} cannot be written: it is read-only. Give this user the right to write.`,
  ],
  10: [
    "broken",
    (file) => `The disk that holds ${file} failed. Look at the machine's log, then start again.`,
  ],
  13: [
    "full",
    (file) => `The disk that holds ${file} is full. Free some space; nothing that was stored is lost.`,
  ],
  14: ["unwritable", (file) => `${file} cannot be opened. Give this user the right to read and write it.`],
  26: ["not_ours", (file) => `${file} is not a database of Mooring. Name another --data directory.`],
};

/** Whatever the database threw, in words. */
export function storeErrorOf(error: unknown, file: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = (error as { errcode?: unknown }).errcode;
  const [kind, says] = (typeof code === "number" ? CODES[code & 0xff] : undefined) ?? [];
  if (kind !== undefined && says !== undefined) return new StoreError(kind, says(file), error);
  return new StoreError("broken", `The database ${file} failed. Read the log.`, error);
}
