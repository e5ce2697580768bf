/** A process that writes to a store and says after each commit that it is acked. Its file and how many, by argument. */
import { writeSync } from "node:fs";
import { openSqlite } from "../../../src/control-plane/store/sqlite.ts";
import { connectorRow } from "../../control-plane/store/rows.ts";
import { ROWS, rowOf } from "./rows.ts";

const [file = "", commits = "0"] = process.argv.slice(2);
const store = openSqlite(file);
const acked = (number: number): void => {
  writeSync(1, `ack ${number}\n`);
};

async function commit(number: number): Promise<void> {
  await store.transact(async (tx) => {
    for (let row = 0; row < ROWS; row += 1) await tx.addTransition(rowOf(number, row));
  });
  acked(number);
}

await store.transact((tx) => tx.putConnector(connectorRow("c")));
acked(0);
for (let number = 1; number <= Number(commits);) {
  // Alone, or three that share a commit.
  const together = number % 5 === 0 ? 3 : 1;
  await Promise.all(Array.from({ length: together }, (_, index) => commit(number + index)));
  number += together;
}
// The power goes: nothing is closed.
process.exit(0);
