import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openWriter } from "../../../src/control-plane/store/database.ts";
import { MIGRATIONS } from "../../../src/control-plane/store/migrations.ts";
import { openSqlite } from "../../../src/control-plane/store/sqlite.ts";
import { MemoryStore } from "../../fake/memory-store.ts";
import { storeContract } from "./contract.ts";
import { connectorRow } from "./rows.ts";

let dir: string;
let count = 0;
const fresh = (): string => path.join(dir, `${(count += 1)}.db`);

beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), "mooring-store-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

storeContract("SQLite", async () => openSqlite(fresh()));
storeContract("memory", async () => new MemoryStore());

test("it is synced at every commit, and survives being opened again", async () => {
  const file = fresh();
  const store = openSqlite(file);
  await store.transact((tx) => tx.putConnector(connectorRow("a")));
  await store.close();
  const again = openSqlite(file);
  expect((await again.connector("a"))?.name).toBe("name-a");
  await again.close();
  const writer = openWriter(file);
  expect([writer.pragma("synchronous"), writer.one("pragma journal_mode")?.["journal_mode"]]).toEqual([
    2,
    "wal",
  ]);
  writer.close();
});

test("works that wait are committed together", async () => {
  let commits = 0;
  const store = openSqlite(fresh(), () => (commits += 1));
  await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      store.transact((tx) => tx.putConnector(connectorRow(`c${index}`))),
    ),
  );
  expect(commits).toBe(1);
  await store.close();
});

test("another program's database, another schema, no database and a newer one are refused in words", async () => {
  const foreign = fresh();
  new DatabaseSync(foreign).exec("create table t (a)");
  expect(() => openSqlite(foreign)).toThrow(
    `${foreign} is a database of another program. Name another --data directory.`,
  );
  const text = fresh();
  await writeFile(text, "this is no database, but it is long enough to be taken for one".repeat(100));
  expect(() => openSqlite(text)).toThrow(
    `${text} is not a database of Mooring. Name another --data directory.`,
  );
  const newer = fresh();
  openWriter(newer, [...MIGRATIONS, "create table later (a)"]).close();
  const bytes = await readFile(newer);
  expect(() => openSqlite(newer)).toThrow(
    `${newer} was written by a newer Mooring (schema ${MIGRATIONS.length + 1}; this one knows ${MIGRATIONS.length}). Start that version, or restore a backup.`,
  );
  expect(await readFile(newer)).toEqual(bytes);
  const other = fresh();
  openWriter(other, ["create table another (a)"]).close();
  expect(() => openSqlite(other)).toThrow("has another schema 1");
});

test("a full disk is told in words, nothing stored is lost, and it goes on once there is room", async () => {
  const file = fresh();
  const store = openSqlite(file);
  await store.transact((tx) => tx.putConnector(connectorRow("a")));
  await store.close();
  const writer = openWriter(file);
  writer.script("pragma max_page_count = 40");
  writer.script("create table filler (a)");
  expect(() => {
    for (let index = 0; index < 1000; index += 1) writer.run("insert into filler values (zeroblob(4000))");
  }).toThrow(/full/);
  writer.close();
  const again = openSqlite(file);
  expect((await again.connector("a"))?.id).toBe("a");
  await again.close();
});

test(
  "killed at random, it has every row that it acknowledged, and each once",
  { timeout: 60_000 },
  async () => {
    const file = fresh();
    const script = path.join(import.meta.dirname, "writes.ts");
    let acknowledged = 0;
    for (let round = 0; round < 5; round += 1) {
      const child: ChildProcess = fork(script, [file, String(acknowledged)], {
        stdio: ["ignore", "inherit", "inherit", "ipc"],
      });
      child.on("message", (last: number) => (acknowledged = last));
      await once(child, "message");
      await new Promise((resolve) => setTimeout(resolve, 20 + 40 * round));
      child.kill("SIGKILL");
      await once(child, "exit");
      const store = openSqlite(file);
      const row = await store.connector("counter");
      expect(row?.epoch).toBeGreaterThanOrEqual(acknowledged);
      acknowledged = row?.epoch ?? 0;
      await store.close();
    }
    expect(acknowledged).toBeGreaterThan(10);
  },
);
