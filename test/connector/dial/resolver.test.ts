import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../../src/connector/clock.ts";
import {
  candidates,
  readResolverSettings,
  resolve,
  type ResolverSettings,
} from "../../../src/connector/dial/resolver.ts";
import { Failure } from "../../../src/connector/failure.ts";
import { deadDns, type DnsRecord, dnsServer, resolvConf } from "../../fake/dns.ts";

const LIMIT_MS = 1500;

function settings(servers: readonly string[], more: Partial<ResolverSettings> = {}): ResolverSettings {
  return { servers, search: [], ndots: 1, hosts: new Map(), ...more };
}

async function timed(host: string, given: ResolverSettings): Promise<{ ips: readonly string[]; ms: number }> {
  const started = performance.now();
  const signal = new AbortController().signal;
  const ips = await resolve(host, given, { clock: systemClock, signal, limitMs: LIMIT_MS });
  return { ips, ms: performance.now() - started };
}

async function ipsOf(host: string, given: ResolverSettings): Promise<readonly string[]> {
  return (await timed(host, given)).ips;
}

async function failureOf(host: string, given: ResolverSettings): Promise<Failure> {
  const error: unknown = await ipsOf(host, given).catch((failure: unknown) => failure);
  if (error instanceof Failure) return error;
  throw new Error(`${host} gave ${String(error)}`);
}

/**
 * The order of res_nsearch (glibc, resolv/res_query.c): a name with a dot at its end alone; with ndots dots or
 * more the name itself before the search list, else after it.
 */
test.each<[host: string, ndots: number, search: string[], order: string[]]>([
  ["db", 1, ["a.test", "b.test"], ["db.a.test", "db.b.test", "db"]],
  ["db.ns", 1, ["a.test"], ["db.ns", "db.ns.a.test"]],
  ["db.ns.svc", 5, ["a.test"], ["db.ns.svc.a.test", "db.ns.svc"]],
  ["a.b.c.d.e.f", 5, ["a.test"], ["a.b.c.d.e.f", "a.b.c.d.e.f.a.test"]],
  ["db", 0, ["a.test"], ["db", "db.a.test"]],
  ["db.", 5, ["a.test"], ["db"]],
  ["db", 1, [], ["db"]],
  ["db", 1, [".", "a.test"], ["db", "db.a.test"]],
  ["db", 1, ["a.test."], ["db.a.test", "db"]],
])("candidates(%s), ndots %i, search %j", (host, ndots, search, order) => {
  expect(candidates(host, { ndots, search })).toEqual(order);
});

describe("the files", () => {
  async function parsed(resolv: string, hosts: string): Promise<ResolverSettings> {
    const directory = await mkdtemp(join(tmpdir(), "mooring-files-"));
    try {
      const files = { resolvConf: join(directory, "resolv.conf"), hosts: join(directory, "hosts") };
      await Promise.all([writeFile(files.resolvConf, resolv), writeFile(files.hosts, hosts)]);
      return await readResolverSettings(files);
    } finally {
      await rm(directory, { recursive: true });
    }
  }

  test("resolv.conf: servers, the last search list, ndots, comments", async () => {
    const text = `# a comment
nameserver 10.0.0.1 ; the first
nameserver fd00::1
nameserver nonsense
nameserver 127.0.0.1:5353
nameserver 10.0.0.4
domain old.test
search a.test b.test
options timeout:1 ndots:5 rotate`;
    const { servers, search, ndots } = await parsed(text, "");
    expect({ servers, search, ndots }).toEqual({
      servers: ["10.0.0.1", "fd00::1", "127.0.0.1:5353"],
      search: ["a.test", "b.test"],
      ndots: 5,
    });
  });

  test("resolv.conf: what is left out, and too much", async () => {
    expect(await parsed("", "")).toMatchObject({ servers: ["127.0.0.1"], search: [], ndots: 1 });
    expect(await parsed("options ndots:99", "")).toMatchObject({ ndots: 15 });
  });

  test("hosts: several names, several addresses, comments, capitals", async () => {
    const { hosts } = await parsed("", "127.0.0.1 DB db.test # me\n::1\tdb\nnonsense x\n#127.0.0.2 no\n");
    expect([...hosts]).toEqual([
      ["db", ["127.0.0.1", "::1"]],
      ["db.test", ["127.0.0.1"]],
    ]);
  });

  test("no files are empty files", async () => {
    const files = { resolvConf: "/nowhere/resolv.conf", hosts: "/nowhere/hosts" };
    expect(await readResolverSettings(files)).toMatchObject({ servers: ["127.0.0.1"], hosts: new Map() });
  });

  test("a real file leads to a real answer", async () => {
    await using dns = await dnsServer({ "db.a.test": { a: ["127.0.0.9"] } });
    await using conf = await resolvConf({ nameservers: [dns.address], search: ["a.test"], ndots: 5 });
    const given = await readResolverSettings({ resolvConf: conf.path, hosts: "/nowhere" });
    expect(await ipsOf("db", given)).toEqual(["127.0.0.9"]);
  });
});

/** Answers for IPv4, and never for IPv6. */
async function halfDeadDns(names: Record<string, DnsRecord>): Promise<AsyncDisposable & { address: string }> {
  const whole = await dnsServer(names);
  const udp = createSocket("udp4");
  const onward = createSocket("udp4");
  const askers = new Map<number, RemoteInfo>();
  const isIpv6 = (message: Buffer): boolean => message.includes(Buffer.from("001c0001", "hex"));
  udp.on("message", (message, from) => {
    if (isIpv6(message)) return;
    askers.set(message.readUInt16BE(0), from);
    onward.send(message, whole.port, whole.host);
  });
  onward.on("message", (message) => {
    const asker = askers.get(message.readUInt16BE(0));
    if (asker !== undefined) udp.send(message, asker.port, asker.address);
  });
  udp.bind(0, "127.0.0.1");
  await once(udp, "listening");
  return {
    address: `127.0.0.1:${udp.address().port}`,
    async [Symbol.asyncDispose]() {
      udp.close();
      onward.close();
      await whole[Symbol.asyncDispose]();
    },
  };
}

describe.concurrent("looking up", () => {
  test("a literal and a name of the hosts file ask nobody", async () => {
    const given = settings([], { hosts: new Map([["db", ["127.0.0.1", "127.0.0.2", "::1"]]]) });
    expect(await ipsOf("0x7f.1", given)).toEqual(["127.0.0.1"]);
    expect(await ipsOf("DB.", given)).toEqual(["::1", "127.0.0.1", "127.0.0.2"]);
    expect(await ipsOf("a.localhost", given)).toEqual(["::1", "127.0.0.1"]);
  });

  test("IPv6 comes first, then by turns", async () => {
    await using dns = await dnsServer({ "db.test": { a: ["127.0.0.1", "127.0.0.2"], aaaa: ["::1"] } });
    expect(await ipsOf("db.test", settings([dns.address]))).toEqual(["::1", "127.0.0.1", "127.0.0.2"]);
  });

  test("the search list is walked in order, and a dot at the end stops it", async () => {
    await using dns = await dnsServer({ "db.b.test": { a: ["127.0.0.2"] } });
    const given = settings([dns.address], { search: ["a.test", "b.test", "c.test"], ndots: 5 });
    expect(await ipsOf("db", given)).toEqual(["127.0.0.2"]);
    const asked = [...new Set(dns.queries().map(({ name }) => name))];
    expect(asked).toEqual(["db.a.test", "db.b.test"]);
    const failure = await failureOf("db.", given);
    expect([failure.reason, failure.evidence["tried"]]).toEqual(["dns_not_found", "db"]);
  });

  test("a name without addresses (NODATA) is not found, and the next one is tried", async () => {
    await using dns = await dnsServer({ "db.a.test": {}, "db.b.test": { a: ["127.0.0.2"] } });
    expect((await failureOf("db.a.test", settings([dns.address]))).reason).toBe("dns_not_found");
    const given = settings([dns.address], { search: ["a.test", "b.test"] });
    expect(await ipsOf("db", given)).toEqual(["127.0.0.2"]);
  });

  test("a Service that the cluster does not have is not asked of the world outside", async () => {
    await using dns = await dnsServer({ "db.ns.svc": "servfail" });
    const given = settings([dns.address], { search: ["a.test"], ndots: 5 });
    const failure = await failureOf("db.ns.svc", given);
    expect([failure.reason, failure.evidence["tried"]]).toEqual(["dns_not_found", "db.ns.svc.a.test"]);
  });

  test("SERVFAIL of one name does not hide the next; alone it is told", async () => {
    await using dns = await dnsServer({ "db.a.test": "servfail", "db.b.test": { a: ["127.0.0.2"] } });
    const given = settings([dns.address], { search: ["a.test", "b.test"] });
    expect(await ipsOf("db", given)).toEqual(["127.0.0.2"]);
    const failure = await failureOf("db", settings([dns.address], { search: ["a.test"] }));
    expect([failure.reason, failure.evidence["answer"]]).toEqual(["dns_unavailable", "SERVFAIL"]);
  });

  test("an answer that is too long for UDP is asked for over TCP", async () => {
    const a = Array.from({ length: 120 }, (_, index) => `127.0.1.${index}`);
    await using dns = await dnsServer({ "big.test": { a } });
    expect(new Set(await ipsOf("big.test", settings([dns.address])))).toEqual(new Set(a));
  });

  test("the first of several servers is dead", async () => {
    await using dead = await deadDns();
    await using dns = await dnsServer({ "db.b.test": { a: ["127.0.0.2"] } });
    const given = settings([dead.address, dns.address], { search: ["a.test", "b.test"] });
    const { ips, ms } = await timed("db", given);
    expect(ips).toEqual(["127.0.0.2"]);
    expect(ms).toBeLessThan(LIMIT_MS);
  });

  test("the other family is waited for only briefly", async () => {
    const names = { "db.test": { a: ["127.0.0.1"] } };
    await using dns = await halfDeadDns(names);
    const { ips, ms } = await timed("db.test", settings([dns.address]));
    expect(ips).toEqual(["127.0.0.1"]);
    expect(ms).toBeLessThan(LIMIT_MS / 3);
  });

  test("a dead server delays nobody else", async () => {
    await using dead = await deadDns();
    await using dns = await dnsServer({ "db.test": { a: ["127.0.0.1"] } });
    const stuck = Array.from({ length: 20 }, () => failureOf("db.test", settings([dead.address])));
    const { ms } = await timed("db.test", settings([dns.address]));
    expect(ms).toBeLessThan(LIMIT_MS / 3);
    expect(new Set((await Promise.all(stuck)).map(({ reason }) => reason))).toEqual(new Set(["dns_timeout"]));
  });

  test("aborting ends it at once", async () => {
    await using dead = await deadDns();
    const stop = new AbortController();
    const limits = { clock: systemClock, signal: stop.signal, limitMs: 60_000 };
    const looking = resolve("db.test", settings([dead.address]), limits).catch((error: unknown) => error);
    const started = performance.now();
    stop.abort();
    expect(await looking).toMatchObject({ reason: "dns_timeout" });
    expect(performance.now() - started).toBeLessThan(500);
  });
});
