import { DatabaseSync } from "node:sqlite";
import type { TransitionRow } from "../../../src/control-plane/store/rows.ts";
import { transitionRow } from "../../control-plane/store/rows.ts";

/** Rows of one transaction, some pages of the database. */
export const ROWS = 20;

/** A row that says which transaction it belongs to. */
export function rowOf(number: number, row: number): TransitionRow {
  return { ...transitionRow("c", number), message: `${number} ${row} ${"x".repeat(700)}` };
}

/** The transactions that are there, in order. Throws where one is there in part, or the file is not whole. */
export function transactionsIn(file: string): number[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const [whole] = Object.values(database.prepare("pragma integrity_check").get() ?? {});
    if (whole !== "ok") throw new Error(`the database is not whole: ${String(whole)}`);
    const rows = database.prepare("select message from transition order by id").all();
    const told = rows.map(({ message }) => String(message).split(" ", 2).map(Number));
    const numbers = told.filter((_, place) => place % ROWS === 0).map(([number = 0]) => number);
    const expected = numbers.flatMap((number) =>
      Array.from({ length: ROWS }, (_, row) => `${number} ${row}`),
    );
    if (told.map((pair) => pair.join(" ")).join() !== expected.join())
      throw new Error("a transaction is there in part");
    return numbers;
  } finally {
    database.close();
  }
}
