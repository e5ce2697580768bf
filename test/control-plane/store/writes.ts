import { openSqlite } from "../../../src/control-plane/store/sqlite.ts";
import { connectorRow } from "./rows.ts";

// Counts up in a store until it is killed, and tells each number after it is stored.
const [file = "", from = "0"] = process.argv.slice(2);
const store = openSqlite(file);
for (let epoch = Number(from) + 1; ; epoch += 1) {
  await store.transact((tx) => tx.putConnector(connectorRow("counter", { epoch })));
  process.send?.(epoch);
}
