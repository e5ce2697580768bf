// Loaded before a program (--import): its wall clock is off by the milliseconds in TEST_CLOCK_STEP_FILE, read anew each
// 20 ms. Its monotonic clock is untouched, as it is where a machine's clock is set.
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";

const file = process.env["TEST_CLOCK_STEP_FILE"] ?? "";
const RealDate = Date;
let stepMs = 0;
const read = (): void => {
  stepMs = Number(readFileSync(file, "utf8")) || 0;
};
read();
// Whoever set the clock knows by this file that somebody obeys it.
writeFileSync(`${file}.loaded`, "");
setInterval(read, 20).unref();

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: [], newTarget) =>
    Reflect.construct(target, args.length === 0 ? [RealDate.now() + stepMs] : args, newTarget) as Date,
  apply: () => new RealDate(RealDate.now() + stepMs).toString(),
  get: (target, name) =>
    name === "now" ? () => RealDate.now() + stepMs : (Reflect.get(target, name) as unknown),
});
