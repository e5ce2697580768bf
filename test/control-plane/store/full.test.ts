import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { openSqlite } from "../../../src/control-plane/store/sqlite.ts";
import { StoreError } from "../../../src/control-plane/store/store.ts";
import { connectorRow } from "./rows.ts";

test("a disk that refuses is told in words until it takes writes again; what was stored stays", async () => {
  const dir = await mkdtemp(path.join(tmpdir(), "mooring-full-"));
  const file = path.join(dir, "mooring.db");
  const store = openSqlite(file);
  await store.transact((tx) => tx.putConnector(connectorRow("a")));
  const other = new DatabaseSync(file);
  other.exec("begin immediate");
  const refused = store.transact((tx) => tx.putConnector(connectorRow("b")));
  await expect(refused).rejects.toThrow(StoreError);
  expect(store.trouble).toBe(
    `${file} is in use by another process. Stop it, or name another --data directory.`,
  );
  expect((await store.connector("a"))?.id).toBe("a");
  other.exec("rollback");
  other.close();
  await store.transact((tx) => tx.putConnector(connectorRow("b")));
  expect(store.trouble).toBeUndefined();
  await store.close();
  await rm(dir, { recursive: true });
});
