import { kinds } from "../fake/secret.ts";
import { execFileSync } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { judgeConfiguration, loadConfiguration } from "../../src/connector/config/config.ts";
import { configurationSchema } from "../../src/connector/config/json-schema.ts";
import { INTEGRATION_TYPES } from "../../src/connector/integrations/index.ts";
import { type Loaded, problemLine } from "../../src/connector/item.ts";
import { SECRET_STORES } from "../../src/connector/secrets/index.ts";
import { createAuthority } from "../../src/demo/certificates.ts";

const KINDS = kinds();

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "mooring-config-"));
  await writeFile(join(directory, "ca.pem"), (await createAuthority("test")).certPem);
  await writeFile(join(directory, "no-certificate.pem"), "hello\n");
});
afterAll(() => rm(directory, { recursive: true }));

async function judged(text: string): Promise<Loaded> {
  return judgeConfiguration(join(directory, "m.yaml"), text, KINDS);
}

/** The problems as they are printed, without the folder. */
async function lines(text: string): Promise<string[]> {
  const loaded = await judged(text);
  return loaded.ok ? [] : loaded.problems.map((problem) => problemLine({ ...problem, file: "m.yaml" }));
}

/** One integration, its members indented below. */
const one = (members: string): string => `integrations:\n  - ${members.trim().split("\n").join("\n    ")}\n`;
const tcp = (members = ""): string => one(`name: a\ntype: tcp\nconfig: {host: h, port: 1}\n${members}`);
const db = (members = "", config = "host: h, database: d"): string =>
  one(`name: a\ntype: postgresql\nconfig: {${config}}\nsecret: {store: file, path: ./s}\n${members}`);
const http = (config: string, members = ""): string =>
  one(`name: a\ntype: http\nconfig: {${config}}\n${members}`);

describe("what a good file means", () => {
  test("defaults", async () => {
    const loaded = await judged(db());
    if (!loaded.ok) throw new Error("not read");
    const [item] = loaded.configuration.items;
    expect(item).toMatchObject({
      name: "a",
      intervalMs: 60_000,
      timeoutMs: 10_000,
      failureThreshold: 2,
      suspend: false,
      source: "file",
    });
    expect(item?.secret).toMatchObject({ store: "file", name: "./s", mapping: {} });
    expect(loaded.configuration.remote).toEqual({ targets: [], secrets: [] });
  });

  test("a short interval shortens the timeout", async () => {
    const loaded = await judged(tcp("interval: 5s"));
    expect(loaded.ok && loaded.configuration.items[0]?.timeoutMs).toBe(4000);
  });

  test("paths are relative to the file", async () => {
    const loaded = await judged(db("", "host: h, database: d, tls: {ca: ./ca.pem}"));
    expect(loaded.ok && loaded.configuration.items[0]?.config).toMatchObject({
      tls: { ca: join(directory, "ca.pem") },
    });
  });

  test("anchors and merge of values", async () => {
    expect(
      await lines(
        `integrations:\n  - &a {name: a, type: tcp, config: {host: h, port: 1}}\n  - name: b\n    type: tcp\n    config: &c {host: h, port: 2}\n  - {name: c, type: tcp, config: *c}\n`,
      ),
    ).toEqual([]);
  });

  test("policy and declared stores", async () => {
    const text = `${tcp()}secretStores: [{name: mounted, type: file}]\npolicy: {remote: {targets: ["*.svc:5432"]}, addresses: {allow: [169.254.0.0/16]}}\n`;
    const loaded = await judged(text);
    expect(loaded.ok && loaded.configuration).toMatchObject({
      remote: { targets: ["*.svc:5432"] },
      addressesAllow: ["169.254.0.0/16"],
    });
  });

  test("the digest changes with what a check depends on, and only then", async () => {
    const digest = async (text: string): Promise<string | undefined> => {
      const loaded = await judged(text);
      return loaded.ok ? loaded.configuration.items[0]?.digest : undefined;
    };
    expect(await digest(tcp())).toBe(await digest(`# a comment\n${tcp()}`));
    expect(await digest(tcp())).not.toBe(await digest(tcp("interval: 30s")));
  });
});

describe("what is wrong is told at its place, in these words", () => {
  const rows: readonly (readonly [what: string, text: () => string, problems: readonly string[]])[] = [
    ["an empty file", () => "", ["m.yaml:1:1: must be a map of keys, not nothing"]],
    [
      "a value in the wrong place, which may be a secret",
      () => `${tcp()}policy: hunter2\n`,
      ["m.yaml:5:9: policy: must be a map of keys, not a text"],
    ],
    [
      "control characters, which are not printed",
      () => one('name: a\ntype: "t\\e[2J\\u009b\\n"\nconfig: {}'),
      [
        'm.yaml:3:11: integrations[0].type: "t�[2J��" is not an integration type; known here: http, postgresql, tcp, tls',
      ],
    ],
    [
      "a control character in a database's name",
      () => db("", 'host: h, database: "d\\0"'),
      [
        "m.yaml:4:33: integrations[0].config.database: holds a control character, which no name of a database has; leave it out",
      ],
    ],
    [
      "port 0 in a URL and in a proxy",
      () => http("url: 'http://h:0/', proxy: 'http://p:0'"),
      [
        "m.yaml:4:19: integrations[0].config.url: names port 0, which nothing can listen on; write the server's port",
        "m.yaml:4:41: integrations[0].config.proxy: is not a proxy's URL; write http://HOST:PORT, https://HOST:PORT or none",
      ],
    ],
    ["a list", () => "- a\n", ["m.yaml:1:1: must be a map of keys, not a list"]],
    [
      "no integrations",
      () => "policy: {}\n",
      ["m.yaml:1:1: integrations: is missing; it must be a list of integrations"],
    ],
    [
      "an unknown key above",
      () => `${tcp()}polcy: {}\n`,
      ['m.yaml:5:1: polcy: is not known; did you mean "policy"?'],
    ],
    [
      "an unknown key of an item",
      () => tcp("intervall: 5s"),
      ['m.yaml:5:5: integrations[0].intervall: is not known; did you mean "interval"?'],
    ],
    [
      "an unknown key of a type",
      () => one("name: a\ntype: tcp\nconfig: {host: h, prot: 1}"),
      [
        "m.yaml:4:13: integrations[0].config.port: is missing; it must be a whole number from 1 to 65535",
        'm.yaml:4:23: integrations[0].config.prot: is not known; did you mean "port"?',
      ],
    ],
    [
      "an unknown type",
      () => one("name: a\ntype: postgres\nconfig: {}"),
      [
        'm.yaml:3:11: integrations[0].type: "postgres" is not an integration type; did you mean "postgresql"?',
      ],
    ],
    [
      "a type like none",
      () => one("name: a\ntype: xyzzy\nconfig: {}"),
      [
        'm.yaml:3:11: integrations[0].type: "xyzzy" is not an integration type; known here: http, postgresql, tcp, tls',
      ],
    ],
    [
      "no type",
      () => one("name: a\nconfig: {}"),
      ["m.yaml:2:5: integrations[0].type: is missing; it must be an integration type"],
    ],
    [
      "no config",
      () => one("name: a\ntype: tcp"),
      ["m.yaml:2:5: integrations[0].config: is missing; it must be a map of keys"],
    ],
    [
      "a name that is none",
      () => one("name: Orders_DB\ntype: tcp\nconfig: {host: h, port: 1}"),
      [
        "m.yaml:2:11: integrations[0].name: must be a DNS label: small letters, digits and hyphens, at most 63",
      ],
    ],
    [
      "a name twice",
      () => `${tcp()}  - {name: a, type: tcp, config: {host: h, port: 1}}\n`,
      ['m.yaml:5:12: integrations[1].name: "a" is the name of integrations[0] already; rename one of them'],
    ],
    [
      "durations",
      () => tcp("interval: 3s\ntimeout: 5"),
      [
        "m.yaml:5:15: integrations[0].interval: must be a duration from 5s to 24h, such as 5s",
        "m.yaml:6:14: integrations[0].timeout: has no unit; write 5s for seconds",
      ],
    ],
    [
      "a duration without a unit",
      () => tcp('interval: "60"'),
      ["m.yaml:5:15: integrations[0].interval: has no unit; write 60s for seconds"],
    ],
    [
      "a timeout above the interval",
      () => tcp("interval: 10s\ntimeout: 10s"),
      ["m.yaml:6:14: integrations[0].timeout: must be below the interval; lower it, or raise interval"],
    ],
    [
      "a threshold",
      () => tcp("failureThreshold: 11"),
      ["m.yaml:5:23: integrations[0].failureThreshold: must be a whole number from 1 to 10"],
    ],
    ["suspend", () => tcp("suspend: yes"), ["m.yaml:5:14: integrations[0].suspend: must be true or false"]],
    [
      "a port",
      () => one("name: a\ntype: tcp\nconfig: {host: h, port: 70000}"),
      ["m.yaml:4:29: integrations[0].config.port: must be a whole number from 1 to 65535"],
    ],
    [
      "a host with a scheme",
      () => one('name: a\ntype: tcp\nconfig: {host: "http://h", port: 1}'),
      [
        "m.yaml:4:20: integrations[0].config.host: is not a host name or an address; leave out scheme, port and path",
      ],
    ],
    [
      "a URL",
      () => http("url: shop"),
      ["m.yaml:4:19: integrations[0].config.url: is not a URL; write http://HOST/ or https://HOST/"],
    ],
    [
      "a URL of another scheme",
      () => http("url: 'ftp://h/'"),
      ["m.yaml:4:19: integrations[0].config.url: must begin with http:// or https://"],
    ],
    [
      "a URL with a login",
      () => http("url: 'https://u:p@h/'"),
      ["m.yaml:4:19: integrations[0].config.url: holds a login; name the secret under secret:"],
    ],
    [
      "a header with a secret",
      () => http("url: 'https://h/', headers: {Authorization: x}"),
      [
        "m.yaml:4:43: integrations[0].config.headers.Authorization: holds a secret, and this file may not; name the secret under secret:",
      ],
    ],
    [
      "a status",
      () => http("url: 'https://h/', expect: {status: ['2xx']}"),
      [
        'm.yaml:4:51: integrations[0].config.expect.status[0]: must be a status such as "404" or a span such as "200-299"',
      ],
    ],
    [
      "a TLS mode",
      () => db("", "host: h, database: d, tls: {mode: prefer}"),
      ["m.yaml:4:48: integrations[0].config.tls.mode: must be disable, require or verify"],
    ],
    [
      "a CA that is not there",
      () => db("", "host: h, database: d, tls: {ca: ./nope.pem}"),
      [
        "m.yaml:4:46: integrations[0].config.tls.ca: ./nope.pem: cannot be read (ENOENT); name a PEM file with certificates",
      ],
    ],
    [
      "a CA that is none",
      () => db("", "host: h, database: d, tls: {ca: ./no-certificate.pem}"),
      [
        "m.yaml:4:46: integrations[0].config.tls.ca: ./no-certificate.pem: it holds no PEM certificate; name a PEM file with certificates",
      ],
    ],
    [
      "a secret that is missing",
      () => one("name: a\ntype: postgresql\nconfig: {host: h, database: d}"),
      [
        "m.yaml:2:5: integrations[0].secret: is missing; the type postgresql needs a secret with username and password",
      ],
    ],
    [
      "a secret that nobody takes",
      () => tcp("secret: {store: file, path: x}"),
      ["m.yaml:5:5: integrations[0].secret: the type tcp takes no secret; leave it out"],
    ],
    [
      "a secret that is a text",
      () => http("url: 'https://h/'", "secret: hunter2"),
      ["m.yaml:5:13: integrations[0].secret: must be a map with store and what the store needs"],
    ],
    [
      "a store that is not declared",
      () => http("url: 'https://h/'", "secret: {store: fille, path: x}"),
      [
        'm.yaml:5:21: integrations[0].secret.store: "fille" is neither built in nor declared under secretStores; did you mean "file"?',
      ],
    ],
    [
      "a store that is not built in",
      () => http("url: 'https://h/'", "secret: {store: vault, mount: kv, path: x}"),
      ['m.yaml:5:21: integrations[0].secret.store: "vault" is not built in; declare it under secretStores'],
    ],
    [
      "env with another prefix",
      () => http("url: 'https://h/'", "secret: {store: env, variable: HOME}"),
      [
        "m.yaml:5:36: integrations[0].secret.variable: the store env reads only variables that begin with MOORING_SECRET_",
      ],
    ],
    [
      "keys of another store",
      () => http("url: 'https://h/'", "secret: {store: env, path: x}"),
      [
        "m.yaml:5:13: integrations[0].secret.variable: is missing; it must be a text",
        "m.yaml:5:26: integrations[0].secret.path: is not known; known here: variable, store, fields",
      ],
    ],
    [
      "a field that the type has not",
      () => db("", "host: h, database: d").replace("./s}", "./s, fields: {user: u}}"),
      [
        'm.yaml:5:47: integrations[0].secret.fields.user: the type postgresql has no field "user"; did you mean "username"?',
      ],
    ],
    [
      "a proxy",
      () => http("url: 'https://h/', proxy: 'socks5://p:1'"),
      [
        "m.yaml:4:40: integrations[0].config.proxy: is not a proxy's URL; write http://HOST:PORT, https://HOST:PORT or none",
      ],
    ],
    [
      "the policy",
      () => `${tcp()}policy: {remote: {targets: [nonsense]}, addresses: {allow: [10.0.0.0/64]}}\n`,
      [
        'm.yaml:5:29: policy.remote.targets[0]: must be HOST:PORT, such as "*.data.svc:5432"',
        "m.yaml:5:61: policy.addresses.allow[0]: must be an address or a range such as 169.254.0.0/16",
      ],
    ],
    [
      "broken YAML",
      () => "integrations:\n  - name: [a\n",
      [
        "m.yaml:3:1: is not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]",
      ],
    ],
    [
      "a key twice",
      () => "integrations: []\nintegrations: []\n",
      ["m.yaml:2:1: is not valid YAML: Map keys must be unique"],
    ],
    [
      "an alias inside of what it means",
      () => "integrations: []\nsecretStores: &a [*a]\n",
      ["m.yaml:2:19: *a stands inside of what it means; write the value out"],
    ],
    [
      "an alias further inside of what it means",
      () => "integrations: []\npolicy: &a {remote: {x: &b [1]}, y: {z: [*b, *a]}}\n",
      ["m.yaml:2:46: *a stands inside of what it means; write the value out"],
    ],
    [
      "an unknown alias",
      () => "integrations: *nope\n",
      ["m.yaml:1:15: no anchor &nope stands before *nope; write the value out"],
    ],
    [
      "a key that is a list",
      () => "integrations: []\n? [a]\n: b\n",
      ["m.yaml:2:3: is a key that is a list or a map; write a text as the key"],
    ],
    [
      "two documents",
      () => "integrations: []\n---\nintegrations: []\n",
      ["m.yaml:2:1: begins a second document; keep one document in the file"],
    ],
    [
      "a list nested without end",
      () => `integrations:\n  ${"[".repeat(100_000)}`,
      ["m.yaml:2:101: nests deeper than 100 levels; write it flatter"],
    ],
    [
      "lines nested without end",
      () => `integrations:\n${"- ".repeat(100_000)}a\n`,
      ["m.yaml:2:197: nests deeper than 100 levels; write it flatter"],
    ],
    [
      "more than 100 aliases",
      () => `x: &a 1\ny: [${"*a, ".repeat(101)}]\n`,
      ["m.yaml:2:405: has more than 100 aliases; write the values out"],
    ],
    [
      "aliases that multiply",
      () =>
        `a: &a [1,1,1,1,1,1,1,1,1,1]\nb: &b [${"*a,".repeat(10)}]\nc: &c [${"*b,".repeat(10)}]\nd: [${"*c,".repeat(10)}]\n`,
      ["m.yaml:1:1: has more than 100 aliases; write the values out"],
    ],
  ];
  test.each(rows)("%s", async (_, text, problems) => {
    expect(await lines(text())).toEqual(problems);
  });

  test("all problems of all items at once, in the order of the file", async () => {
    const found = await lines(
      `integrations:\n  - {name: A, type: tcp, config: {host: h, port: 0}}\n  - {name: b, type: nope}\nx: 1\n`,
    );
    expect(found.map((line) => line.split(" ")[1])).toEqual([
      "integrations[0].name:",
      "integrations[0].config.port:",
      "integrations[1].type:",
      "x:",
    ]);
  });
});

describe("a file that cannot be read", () => {
  const only = async (file: string): Promise<string | undefined> => {
    const loaded = await loadConfiguration(file, KINDS);
    return loaded.ok ? undefined : loaded.problems.map((problem) => problem.text).join();
  };
  test("is absent", async () => {
    expect(await only(join(directory, "absent.yaml"))).toBe(
      "there is no such file; name the configuration file",
    );
  });
  test("is a folder", async () => {
    expect(await only(directory)).toBe("is a folder; name the configuration file in it");
  });
  test("is not text", async () => {
    const file = join(directory, "latin1.yaml");
    await writeFile(file, Uint8Array.of(0x61, 0xff, 0xfe));
    expect(await only(file)).toBe("is not UTF-8 text; save it as UTF-8");
  });
  test("has no end", async () => {
    expect(await only("/dev/zero")).toBe("is larger than 16 MiB; name the configuration file");
  });
  test("is a pipe: it is read", async () => {
    const pipe = join(directory, "pipe.yaml");
    execFileSync("mkfifo", [pipe]);
    const [loaded] = await Promise.all([loadConfiguration(pipe, KINDS), writeFile(pipe, tcp())]);
    expect(loaded.ok && loaded.configuration.items.length).toBe(1);
  });
  test("names a CA that has no end, or is too large", async () => {
    await writeFile(join(directory, "large.pem"), "x".repeat(1024 * 1024 + 1));
    const at = (ca: string) => lines(db("", `host: h, database: d, tls: {ca: ${ca}}`));
    const place = "m.yaml:4:46: integrations[0].config.tls.ca:";
    const rest = "name a PEM file with certificates";
    expect(await at("/dev/zero")).toEqual([`${place} /dev/zero: it is not a regular file; ${rest}`]);
    expect(await at("./large.pem")).toEqual([`${place} ./large.pem: it is larger than 1 MiB; ${rest}`]);
  });
  test.skipIf(process.getuid?.() === 0)("is closed to us", async () => {
    const file = join(directory, "closed.yaml");
    await writeFile(file, "integrations: []\n");
    await chmod(file, 0);
    expect(await only(file)).toBe("cannot be read (EACCES); let this user read it");
  });
});

describe("the JSON Schema", () => {
  interface Schema {
    readonly description?: string;
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly items?: Schema;
    readonly anyOf?: readonly Schema[];
    readonly const?: unknown;
    readonly not?: unknown;
    readonly pattern?: string;
  }
  const schema = configurationSchema(INTEGRATION_TYPES, SECRET_STORES) as Schema;
  const [http] = schema.properties?.["integrations"]?.items?.anyOf ?? [];

  test("a built-in store has its own branch alone", () => {
    const branches = http?.properties?.["secret"]?.anyOf ?? [];
    const stores = branches.map((branch) => branch.properties?.["store"]);
    const builtIn = ["file", "env", "aws", "gcp", "kubernetes"];
    const told = stores.map((store) => store?.const ?? store?.not);
    expect(new Set(told.slice(0, -1))).toEqual(new Set(builtIn));
    expect(new Set((told.at(-1) as { enum: string[] }).enum)).toEqual(new Set(builtIn));
  });

  test("a URL is one of http", () => {
    expect(http?.properties?.["config"]?.properties?.["url"]?.pattern).toBe("^https?://");
  });

  test("every key has words", () => {
    const silent = (inside: Schema, path: string): string[] => [
      ...Object.entries(inside.properties ?? {}).flatMap(([key, one]) => [
        ...(one.description === undefined && one.const === undefined ? [`${path}${key}`] : []),
        ...silent(one, `${path}${key}.`),
      ]),
      ...(inside.anyOf ?? []).flatMap((one) => silent(one, path)),
      ...(inside.items === undefined ? [] : silent(inside.items, `${path}[].`)),
    ];
    expect([...new Set(silent(schema, ""))]).toEqual([]);
  });
});

test("any text ends in a configuration or in placed problems", async () => {
  const word = fc.constantFrom(
    "integrations",
    "name",
    "type",
    "http",
    "tcp",
    "config",
    "url",
    "a",
    "1",
    "~",
    "&x",
    "*x",
    "!!str",
    "secret",
    "policy",
    "__proto__",
    "{",
    "}",
    "[",
    "]",
    ": ",
    "- ",
    "\n",
    "\n  ",
    '"',
    "'",
    "#",
    "|",
    "?",
    ",",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(word, { maxLength: 40 }).map((words) => words.join("")),
  );
  await fc.assert(
    fc.asyncProperty(text, async (yaml) => {
      const loaded = await judged(yaml);
      if (loaded.ok) return;
      expect(loaded.problems.length).toBeGreaterThan(0);
      const rows = yaml.split("\n").length;
      for (const { line, column, text: words } of loaded.problems) {
        expect(line).toBeGreaterThanOrEqual(1);
        expect(line).toBeLessThanOrEqual(rows + 1);
        expect(column).toBeGreaterThanOrEqual(1);
        expect(words).not.toBe("");
        expect(words).not.toContain("\n");
      }
    }),
    { numRuns: 300 },
  );
});
