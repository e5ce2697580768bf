import { expect, test } from "vitest";
import {
  addressPolicy,
  endpoint,
  inRange,
  isAddressRange,
  literalAddress,
} from "../../../src/connector/dial/address.ts";
import { tcp } from "../../../src/connector/integrations/tcp/tcp.ts";
import { look } from "../../contract/look.ts";

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["2852039166", "169.254.169.254"],
  ["0xa9fea9fe", "169.254.169.254"],
  ["0251.0376.0251.0376", "169.254.169.254"],
  ["0xa9.254.43518", "169.254.169.254"],
  ["169.16689662", "169.254.169.254"],
  ["169.254.169.254.", "169.254.169.254"],
  ["0", "0.0.0.0"],
  ["127.1", "127.0.0.1"],
  ["[::1]", "::1"],
  ["fe80::1%lo", "fe80::1%lo"],
])("%s is the address %s", (host, ip) => expect(literalAddress(host)).toBe(ip));

test.each(["db", "1.2.3.4.5", "256.1.1.1", "08.1.1.1", "4294967296", "", "0x", "1e3", "١٢٧.0.0.1"])(
  "%j is a name",
  (host) => expect(literalAddress(host)).toBeUndefined(),
);

const METADATA = "169.254.169.254";

test.each([
  [METADATA, "a metadata"],
  ["100.100.100.200", "a metadata"],
  ["fd00:ec2::254", "a metadata"],
  ["FD00:0EC2:0:0::254", "a metadata"],
  [`::ffff:${METADATA}`, "a metadata"],
  ["::ffff:a9fe:a9fe", "a metadata"],
  [`::${METADATA}`, "a metadata"],
  [`64:ff9b::${METADATA}`, "a metadata"],
  ["2002:a9fe:a9fe::1", "a metadata"],
  [`::ffff:0:${METADATA}`, "a metadata"],
  ["64:ff9b:1::a9fe:a9fe", "a metadata"],
  ["64:ff9b:1:a9fe:a9:fe00::", "a metadata"],
  ["2001:0:1:2:3:4:5601:5601", "a metadata"],
  ["169.254.1.1", "a link-local"],
  ["fe80::1", "a link-local"],
  ["fe80::1%lo", "a link-local"],
  ["febf::1", "a link-local"],
  ["0.0.0.0", "an unspecified"],
  ["::", "an unspecified"],
  ["::ffff:0.0.0.0", "an unspecified"],
  ["224.0.0.1", "a multicast"],
  ["ff02::1", "a multicast"],
  ["255.255.255.255", "a broadcast"],
])("%s is %s address", (ip, kind) => expect(addressPolicy([])(ip)).toBe(kind));

test.each([
  "127.0.0.1",
  "::1",
  "10.0.0.1",
  "192.168.0.1",
  "fd00::1",
  "8.8.8.8",
  "169.253.0.1",
  "64:ff9b::8.8.8.8",
])("%s may be dialled", (ip) => expect(addressPolicy([])(ip)).toBeUndefined());

test.each([
  [["169.254.0.0/16"], METADATA],
  [["169.254.169.254"], METADATA],
  [["169.254.169.254"], `::ffff:${METADATA}`],
  [["fe80::/10"], "fe80::1%lo"],
  [["::/0"], "fe80::1"],
])("allow %j lets %s through", (allow, ip) => expect(addressPolicy(allow)(ip)).toBeUndefined());

test.each([
  [["169.254.169.0/25"], METADATA],
  [["fe80::/10"], METADATA],
  [["0.0.0.0/1"], METADATA],
])("allow %j does not let %s through", (allow, ip) => expect(addressPolicy(allow)(ip)).toBeDefined());

test.each<[text: string, is: boolean]>([
  ["10.0.0.0/8", true],
  ["10.0.0.1", true],
  ["fe80::/10", true],
  ["::/128", true],
  ["10.0.0.0/33", false],
  ["10.0.0.0/", false],
  ["10.0.0.0/8/8", false],
  ["fe80::1%lo/64", false],
  ["example.com/8", false],
  ["", false],
])("%j is a range: %s", (text, is) => expect(isAddressRange(text)).toBe(is));

test("a range holds its addresses, mapped ones too", () => {
  expect(inRange("10.1.2.3", "10.0.0.0/8")).toBe(true);
  expect(inRange("::ffff:10.1.2.3", "10.0.0.0/8")).toBe(true);
  expect(inRange("11.1.2.3", "10.0.0.0/8")).toBe(false);
  expect(inRange("fd00::1", "10.0.0.0/8")).toBe(false);
});

test("an endpoint has brackets around IPv6", () => {
  expect([endpoint("::1", 80), endpoint("fe80::1%lo", 80), endpoint("db.test", 80)]).toEqual([
    "[::1]:80",
    "[fe80::1%lo]:80",
    "db.test:80",
  ]);
});

const SPELLINGS = [METADATA, "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", `::ffff:${METADATA}`];

test.each([...SPELLINGS, `64:ff9b::${METADATA}`, "2002:a9fe:a9fe::"])("%s is not dialled", async (host) => {
  const { report } = await look(tcp, { host, port: 80 });
  expect([report.stage, report.reason]).toEqual(["connect", "address_forbidden"]);
  expect(report.cause).toContain("a metadata address");
});

test("an address that is written out is not told to be itself", async () => {
  const cause = async (host: string): Promise<string | null> =>
    (await look(tcp, { host, port: 80 })).report.cause;
  const rest = "a metadata address. The connector does not dial those.";
  expect(await cause(METADATA)).toBe(`${METADATA} is ${rest}`);
  expect(await cause("2852039166")).toBe(`2852039166 is ${METADATA}, ${rest}`);
});

test("a name that has a forbidden and a usable address uses the usable one", async () => {
  const hosts = new Map([["both.test", [METADATA, "127.0.0.1"]]]);
  const { report } = await look(tcp, { host: "both.test", port: 1 }, { dns: { hosts } });
  expect(report.reason).toBe("connection_refused");
  expect(report.findings).toEqual([
    { subject: `${METADATA}:1`, verdict: "failed", text: "not dialled: the address is forbidden" },
    { subject: "127.0.0.1:1", verdict: "failed", text: "refused the connection" },
  ]);
});
