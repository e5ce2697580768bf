// Loaded into a program before it starts: has all garbage collected each half a minute. V8 does it when its own heap
// fills, which is hours in a program as small as these; until then what OpenSSL holds for dead sockets stays too, and could
// not be told from a leak.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const EVERY_MS = 30_000;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;
setInterval(collect, EVERY_MS).unref();
