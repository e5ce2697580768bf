// Loaded before the control plane (--import): where TEST_DIE_FILE says `before commit`, `after commit` or
// `in migration`, the process kills itself there, as a machine that fails would.
import { readFileSync } from "node:fs";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";

const file = process.env["TEST_DIE_FILE"] ?? "";
const exec: (this: DatabaseSync, sql: string) => void = Reflect.get(DatabaseSync.prototype, "exec");

function order(): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
const dieIf = (place: string): void => {
  if (order() === place) process.kill(process.pid, "SIGKILL");
};

DatabaseSync.prototype.exec = function (this: DatabaseSync, sql: string) {
  if (sql === "commit") dieIf("before commit");
  exec.call(this, sql);
  if (sql === "commit") dieIf("after commit");
  if (sql.includes("create table setting")) dieIf("in migration");
};
