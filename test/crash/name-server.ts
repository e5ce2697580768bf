// Loaded before a connector (--import): the name cp.test is this machine, unless TEST_DNS_FILE says `gone`.
import dns from "node:dns";
import { readFileSync } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import process from "node:process";

const lookup = dns.lookup as (host: string, ...rest: unknown[]) => void;
dns.lookup = ((host: string, ...rest: unknown[]) => {
  if (host !== "cp.test") return lookup(host, ...rest);
  const answer = rest.at(-1) as (...result: unknown[]) => void;
  const { all = false } = (rest.length > 1 ? rest[0] : {}) as { all?: boolean };
  const isGone = readFileSync(process.env["TEST_DNS_FILE"] ?? "", "utf8") === "gone";
  const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), {
    code: "ENOTFOUND",
    hostname: host,
  });
  if (isGone) return void setImmediate(answer, error);
  setImmediate(answer, null, all ? [{ address: "127.0.0.1", family: 4 }] : "127.0.0.1", 4);
}) as typeof dns.lookup;
syncBuiltinESMExports();
