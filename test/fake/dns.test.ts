import { Resolver } from "node:dns/promises";
import { readFile, stat } from "node:fs/promises";
import { expect, test } from "vitest";
import { closedDns, deadDns, dnsServer, resolvConf } from "./dns.ts";

function resolver(server: { address: string }, timeout = 2_000): Resolver {
  const resolver = new Resolver({ timeout, tries: 1 });
  resolver.setServers([server.address]);
  return resolver;
}

test("answers by name and type, and records what it was asked", async () => {
  await using server = await dnsServer({ "DB.example.": { a: ["10.0.0.1"], aaaa: ["2001:db8::1:2"] } });
  const ask = resolver(server);
  expect(await ask.resolve4("db.Example")).toEqual(["10.0.0.1"]);
  expect(await ask.resolve6("db.example")).toEqual(["2001:db8::1:2"]);
  await expect(ask.resolve4("no.example")).rejects.toMatchObject({ code: "ENOTFOUND" });
  await expect(ask.resolveTxt("db.example")).rejects.toMatchObject({ code: "ENODATA" });
  const asked = server.queries().map(({ name, type }) => `${name} ${type}`);
  expect(asked).toEqual(["db.example A", "db.example AAAA", "no.example A", "db.example TXT"]);
});

test("fails as told, and changes while it runs", async () => {
  await using server = await dnsServer({ a: "servfail", b: "refused", c: { aaaa: ["::1"] } });
  const ask = resolver(server);
  await expect(ask.resolve4("a")).rejects.toMatchObject({ code: "ESERVFAIL" });
  await expect(ask.resolve4("b")).rejects.toMatchObject({ code: "EREFUSED" });
  await expect(ask.resolve4("c")).rejects.toMatchObject({ code: "ENODATA" });
  server.set("a", { a: ["127.0.0.9"] });
  expect(await resolver(server).resolve4("a")).toEqual(["127.0.0.9"]);
});

test("answers late, or not at all", async () => {
  await using server = await dnsServer({ late: { delayMs: 60, a: ["127.0.0.1"] }, silent: "silent" });
  const before = performance.now();
  expect(await resolver(server).resolve4("late")).toEqual(["127.0.0.1"]);
  expect(performance.now() - before).toBeGreaterThan(55);
  await expect(resolver(server, 100).resolve4("silent")).rejects.toMatchObject({ code: "ETIMEOUT" });
});

test("truncates what does not fit, and answers it over TCP", async () => {
  const many = Array.from({ length: 200 }, (_, index) => `10.0.0.${index + 1}`);
  await using server = await dnsServer({ many: { a: many } });
  expect((await resolver(server).resolve4("many")).sort()).toEqual(many.toSorted());
  expect(server.queries()).toHaveLength(2);
});

test("dead and closed name servers", async () => {
  await using dead = await deadDns();
  await using closed = await closedDns();
  await expect(resolver(dead, 100).resolve4("x")).rejects.toMatchObject({ code: "ETIMEOUT" });
  expect(dead.queries()[0]).toEqual({ name: "x", type: "A" });
  await expect(resolver(closed).resolve4("x")).rejects.toMatchObject({ code: "ECONNREFUSED" });
});

test("a resolv.conf of its own, gone after use", async () => {
  const conf = await resolvConf({ nameservers: ["127.0.0.1:53"], search: ["a", "b"], ndots: 5 });
  const lines = "nameserver 127.0.0.1:53\nsearch a b\noptions ndots:5\n";
  expect(await readFile(conf.path, "utf8")).toBe(lines);
  await conf[Symbol.asyncDispose]();
  await expect(stat(conf.path)).rejects.toMatchObject({ code: "ENOENT" });
});
