import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { portOf } from "../../src/demo/held-port.ts";
import { selfSigned } from "../../src/demo/certificates.ts";
import { type Environment, eventually, folder, Plane, Program, ran } from "./programs.ts";

/** Wrong input, and the one line that answers it. {dir}, {new} and {port} stand for what the tests made. */
interface Wrong {
  readonly what: string;
  readonly args: string;
  readonly environment?: Environment;
  readonly says: string;
}

const FREE = "--listen 127.0.0.1:0";
const SLOW: Environment = { MOORING_TIME_SCALE: "0.1" };

const CONNECTOR: readonly Wrong[] = [
  {
    what: "a join token file that is not there",
    args: `${FREE} --control-plane https://cp.example --state {new} --join-token-file {dir}/none`,
    says: "The join token file {dir}/none cannot be read (ENOENT).",
  },
  {
    what: "an address that is none",
    args: `${FREE} --control-plane cp.example --state {new}`,
    says: '--control-plane: "cp.example" is not the address of a control plane; write https://HOST.',
  },
  {
    what: "an address that is plain over a network",
    args: `${FREE} --control-plane http://cp.example:7480 --state {new}`,
    says: "--control-plane: http://cp.example:7480 is plain and leaves this machine; write https://cp.example:7480.",
  },
  {
    what: "an address with a path",
    args: `${FREE} --control-plane https://cp.example/v1 --state {new}`,
    says: "--control-plane: The control plane's address ends after the host: write https://cp.example.",
  },
  {
    what: "a port in use",
    args: "{dir}/good.yaml --listen 127.0.0.1:{port}",
    says: "--listen 127.0.0.1:{port}: the port is in use; stop what listens there, or name another one.",
  },
  {
    what: "a state folder that is a file",
    args: `${FREE} --control-plane https://cp.example --state {dir}/empty --join-token-file {dir}/token`,
    says: "The connector's identity in {dir}/empty/key.json cannot be read (ENOTDIR).",
  },
  {
    what: "a time scale with a listener for others",
    args: "{dir}/good.yaml --listen 0.0.0.0:0",
    environment: SLOW,
    says: "MOORING_TIME_SCALE is for tests: --listen must be loopback then, and 0.0.0.0 is not.",
  },
];

const MORE_CONNECTOR: readonly Wrong[] = [
  {
    what: "nothing to do",
    args: "",
    says: "there is nothing to do; name a configuration FILE, --control-plane, or both",
  },
  {
    what: "a join token file that is a folder",
    args: `${FREE} --control-plane https://cp.example --state {new} --join-token-file {dir}`,
    says: "The join token file {dir} cannot be read (EISDIR).",
  },
  {
    what: "an empty join token file",
    args: `${FREE} --control-plane https://cp.example --state {new} --join-token-file {dir}/empty`,
    says: "The join token file {dir}/empty is empty.",
  },
  {
    what: "no join token at the first start",
    args: `${FREE} --control-plane https://cp.example --state {new}`,
    says: "The connector is not enrolled and was given no join token: name one with --join-token-file.",
  },
  {
    what: "an address of another scheme",
    args: `${FREE} --control-plane ftp://cp.example --state {new}`,
    says: '--control-plane: "ftp://cp.example" is not the address of a control plane; write https://HOST.',
  },
  {
    what: "an address with a login",
    args: `${FREE} --control-plane https://me:secret@cp.example --state {new}`,
    says: "--control-plane: The control plane's address holds a login; leave it out, the connector has its own key.",
  },
  {
    what: "a listener that is none",
    args: "{dir}/good.yaml --listen 7481",
    says: "--listen 7481 is not HOST:PORT; write 0.0.0.0:7481",
  },
  {
    what: "a state folder that holds something else",
    args: `${FREE} --control-plane https://cp.example --state {dir}/strange --join-token-file {dir}/token`,
    says: "The connector's identity in {dir}/strange/key.json cannot be read (it is not what the connector wrote).",
  },
  {
    what: "a CA file that is none",
    args: `${FREE} --control-plane https://cp.example --state {new} --join-token-file {dir}/token --ca {dir}/token`,
    says: "--ca: the file {dir}/token cannot be read as PEM certificates: one begins with -----BEGIN CERTIFICATE-----.",
  },
  {
    what: "a time scale that is none",
    args: `{dir}/good.yaml ${FREE}`,
    environment: { MOORING_TIME_SCALE: "fast" },
    says: "MOORING_TIME_SCALE fast is not a number above 0",
  },
  {
    what: "a time scale above 1",
    args: `{dir}/good.yaml ${FREE}`,
    environment: { MOORING_TIME_SCALE: "2" },
    says: "MOORING_TIME_SCALE is a number from 0.01 to 1, not 2.",
  },
];

const CONTROL_PLANE: readonly Wrong[] = [
  {
    what: "a port in use",
    args: "--data {new} --listen 127.0.0.1:{port}",
    says: "--listen 127.0.0.1:{port}: the port is in use. Stop what listens there, or name another port.",
  },
  {
    what: "a data folder that is a file",
    args: `${FREE} --data {dir}/token`,
    says: "--data {dir}/token: it is not a directory. Name a directory that this user may write.",
  },
  {
    what: "a database of another program",
    args: `${FREE} --data {dir}/foreign`,
    says: "{dir}/foreign/mooring.db is a database of another program. Name another --data directory.",
  },
  {
    what: "a newer database",
    args: `${FREE} --data {dir}/newer`,
    says: "{dir}/newer/mooring.db was written by a newer Mooring (schema 3; this one knows 2). Start that version, or restore a backup.",
  },
  {
    what: "a listener for others without TLS",
    args: "--data {new} --listen 0.0.0.0:0",
    says: "--listen 0.0.0.0:0 is not loopback: give --tls-cert and --tls-key, or --behind-tls-proxy where a proxy in front ends TLS.",
  },
  {
    what: "a time scale with a listener for others",
    args: "--data {new} --listen 0.0.0.0:0 --behind-tls-proxy",
    environment: SLOW,
    says: "MOORING_TIME_SCALE is for tests: every listener must be loopback.",
  },
  {
    what: "an unknown profile",
    args: `--data {new} ${FREE} --liveness slow`,
    says: "--liveness slow is not known; write standard or fast",
  },
  {
    what: "a certificate without its key",
    args: `--data {new} ${FREE} --tls-cert {dir}/token`,
    says: "--tls-cert and --tls-key go together; name both",
  },
];

const MORE_CONTROL_PLANE: readonly Wrong[] = [
  {
    what: "a health port in use",
    args: `--data {new} ${FREE} --health-listen 127.0.0.1:{port}`,
    says: "--health-listen 127.0.0.1:{port}: the port is in use. Stop what listens there, or name another port.",
  },
  {
    what: "a data folder below a file",
    args: `${FREE} --data {dir}/token/data`,
    says: "--data {dir}/token/data: it is not a directory. Name a directory that this user may write.",
  },
  {
    what: "a database that is none",
    args: `${FREE} --data {dir}/garbage`,
    says: "{dir}/garbage/mooring.db is not a database of Mooring. Name another --data directory.",
  },
  {
    what: "a time scale with a health listener for others",
    args: `--data {new} ${FREE} --health-listen 0.0.0.0:0`,
    environment: SLOW,
    says: "MOORING_TIME_SCALE is for tests: every listener must be loopback.",
  },
  {
    what: "a certificate that is not there",
    args: `--data {new} ${FREE} --tls-cert {dir}/none --tls-key {dir}/none`,
    says: "--tls-cert {dir}/none cannot be read (ENOENT).",
  },
  {
    what: "a certificate and the key of another one",
    args: `--data {new} ${FREE} --tls-cert {dir}/cert.pem --tls-key {dir}/other.pem`,
    says: "--tls-cert {dir}/cert.pem and --tls-key {dir}/other.pem are no certificate and its key (PEM) that fit each other.",
  },
  {
    what: "an operator token that is too short",
    args: `--data {new} ${FREE}`,
    environment: { MOORING_OPERATOR_TOKEN_FILE: "{dir}/empty" },
    says: "MOORING_OPERATOR_TOKEN_FILE {dir}/empty holds no token of at least 16 characters; write one into it",
  },
  {
    what: "an operator token that cannot be read",
    args: `--data {new} ${FREE}`,
    environment: { MOORING_OPERATOR_TOKEN_FILE: "{dir}/none" },
    says: "MOORING_OPERATOR_TOKEN_FILE {dir}/none cannot be read (ENOENT); name a file that this user can read",
  },
  {
    what: "a public URL that is plain",
    args: `--data {new} ${FREE} --public-url http://mooring.example`,
    says: "--public-url: http://mooring.example is plain; connectors speak TLS to any but a loopback address.",
  },
];

/** Everything that the lines above name. */
async function furnish(dir: string): Promise<void> {
  await writeFile(join(dir, "empty"), "");
  await writeFile(join(dir, "token"), "mjt_a-token-that-nobody-knows-of");
  await writeFile(join(dir, "good.yaml"), "integrations: []\n");
  for (const name of ["strange", "foreign", "garbage", "newer"]) await mkdir(join(dir, name));
  await writeFile(join(dir, "strange", "key.json"), '{"not": "a key"}');
  await writeFile(
    join(dir, "garbage", "mooring.db"),
    "This is no database, but long enough for one. ".repeat(100),
  );
  const foreign = new DatabaseSync(join(dir, "foreign", "mooring.db"));
  foreign.exec("create table customer (name text)");
  foreign.close();
  const pair = await selfSigned({ names: ["localhost"] });
  const other = await selfSigned({ names: ["localhost"] });
  await writeFile(join(dir, "cert.pem"), pair.certPem);
  await writeFile(join(dir, "other.pem"), other.keyPem);
}

/** What a version of tomorrow would leave: ours, with one more step. */
async function ageOf(dir: string): Promise<void> {
  await using plane = await Plane.start();
  await plane.program.stop();
  await writeFile(join(dir, "mooring.db"), await readFile(join(plane.dir, "data", "mooring.db")));
  const newer = new DatabaseSync(join(dir, "mooring.db"));
  newer.exec("insert into migration (number, checksum) select max(number) + 1, 'of tomorrow' from migration");
  newer.close();
}

/** A place that is furnished before the tests, and gone after them. */
function place(): { readonly filled: (text: string) => string } {
  const parts = new AsyncDisposableStack();
  let dir = "";
  let port = 0;
  beforeAll(async () => {
    dir = parts.use(await folder()).path;
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    parts.defer(() => void taken.close());
    port = portOf(taken);
    await furnish(dir);
    await ageOf(join(dir, "newer"));
  });
  afterAll(() => parts.disposeAsync());
  return { filled: (text) => text.replaceAll("{dir}", dir).replaceAll("{port}", String(port)) };
}

type Filled = ReturnType<typeof place>["filled"];

async function expectRefused(filled: Filled, command: string, wrong: Wrong): Promise<void> {
  const { args, environment = {}, says } = wrong;
  const own = args.replaceAll("{new}", `{dir}/new-${Math.random()}`);
  const words = filled(own).split(" ").filter(Boolean);
  const variables = Object.entries(environment).map(([name, value]) => [name, filled(value)] as const);
  const { code, stdout, stderr } = await ran([command, ...words], Object.fromEntries(variables));
  expect(stderr).toBe(`mooring ${command}: ${filled(says)}\n`);
  expect(stdout).toBe("");
  expect(code).toBe(2);
}

function refuses(connector: readonly Wrong[], controlPlane: readonly Wrong[], filled: Filled): void {
  test.each(connector)("connector: $what", (wrong) => expectRefused(filled, "connector", wrong));
  test.each(controlPlane)("control plane: $what", (wrong) => expectRefused(filled, "control-plane", wrong));
}

/** The rest of the wrong input: the further suites have the time for it. */
export function moreWrongInput(): void {
  describe.concurrent("more wrong input", () => {
    const { filled } = place();
    refuses(MORE_CONNECTOR, MORE_CONTROL_PLANE, filled);
  });
}

/** What must be refused with one clear line, and what must not be lost by it. */
export function wrongInput(): void {
  describe.concurrent("wrong input", () => {
    const { filled } = place();
    refuses(CONNECTOR, CONTROL_PLANE, filled);

    test("a refused database is left as it was", async () => {
      const before = await readFile(filled("{dir}/newer/mooring.db"));
      const { code } = await ran([
        "control-plane",
        "--listen",
        "127.0.0.1:0",
        "--data",
        filled("{dir}/newer"),
      ]);
      expect(code).toBe(2);
      expect(before.equals(await readFile(filled("{dir}/newer/mooring.db")))).toBe(true);
    });

    test("a data folder in use", async () => {
      await using plane = await Plane.start();
      const data = join(plane.dir, "data");
      const { code, stderr } = await ran(["control-plane", "--listen", "127.0.0.1:0", "--data", data]);
      expect(stderr).toBe(
        `mooring control-plane: --data ${data} is in use by another control plane. Stop it, or name another directory.\n`,
      );
      expect(code).toBe(2);
      expect((await plane.api("GET", "/connectors")).status).toBe(200);
    });

    test("a data folder that this user may not write", async ({ skip }) => {
      if (process.getuid?.() === 0) skip("root may write everywhere");
      const locked = filled("{dir}/locked");
      await mkdir(locked, { mode: 0o500 });
      await expectRefused(filled, "control-plane", {
        what: "",
        args: `${FREE} --data {dir}/locked`,
        says: "--data {dir}/locked: it cannot be written (EACCES). Name a directory that this user may write.",
      });
    });

    test("a full disk", async ({ skip }) => {
      await using disk = await smallDisk(filled("{dir}/disk"));
      if (disk === undefined) return skip("a disk of 1 MiB can be mounted by root alone");
      await fill(disk.path);
      const full = await ran(["control-plane", "--listen", "127.0.0.1:0", "--data", disk.path]);
      expect(full.stderr).toBe(
        `mooring control-plane: --data ${disk.path}: the file lock in it cannot be written. Free space, or correct its rights.\n`,
      );
      expect(full.code).toBe(2);
      const state = join(disk.path, "state");
      const args = `--listen 127.0.0.1:0 --control-plane https://cp.example --join-token-file ${filled("{dir}/token")} --state ${state}`;
      const connector = await ran(["connector", ...args.split(" ")]);
      expect(connector.stderr).toBe(
        `mooring connector: The connector cannot keep its identity in ${state} (ENOSPC).\n`,
      );
      expect(connector.code).toBe(2);
    });

    test("a disk that fills up under way loses nothing", async ({ skip }) => {
      await using disk = await smallDisk(filled("{dir}/filling"));
      if (disk === undefined) return skip("a disk of 1 MiB can be mounted by root alone");
      await using program = new Program(["control-plane", "--listen", "127.0.0.1:0", "--data", disk.path]);
      const url = await eventually(
        "its address",
        () => /^Mooring control plane: (\S+)$/m.exec(program.stderr)?.[1],
      );
      const token = (await readFile(join(disk.path, "operator-token"), "utf8")).trim();
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const make = (connector: string): Promise<Response> =>
        fetch(`${url}/api/v1/tokens`, { method: "POST", headers, body: JSON.stringify({ connector }) });
      expect((await make("before")).status).toBe(200);
      await fill(disk.path);
      const refused = await eventually("a refusal", async () => {
        const answer = await make(`during-${Math.floor(Math.random() * 1e9)}`);
        return answer.status === 200 ? undefined : answer;
      });
      expect(refused.status).toBe(503);
      expect(await refused.json()).toMatchObject({
        error: "unavailable",
        detail: "The store does not take this now (full). The log says more; try again.",
      });
      expect(program.isOver).toBe(false);
      await rm(join(disk.path, "filler"));
      const after = await eventually("it heals", async () => {
        const answer = await make("after");
        return answer.status === 200 ? answer : undefined;
      });
      expect(after.status).toBe(200);
      const list = (await (await fetch(`${url}/api/v1/connectors?limit=500`, { headers })).json()) as {
        items: { name: string }[];
      };
      expect(list.items.map(({ name }) => name)).toEqual(expect.arrayContaining(["before", "after"]));
      expect(await program.stop()).toEqual({ code: 0, signal: null });
    });
  });
}

const run = promisify(execFile);

/** A disk of 1 MiB in memory; undefined where this user may not mount one. */
async function smallDisk(path: string): Promise<(AsyncDisposable & { readonly path: string }) | undefined> {
  await mkdir(path);
  try {
    await run("mount", ["-t", "tmpfs", "-o", "size=1m", "mooring-test", path]);
  } catch {
    return undefined;
  }
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      await run("umount", [path]);
      expect(await readdir(path)).toEqual([]);
    },
  };
}

/** Writes until nothing more fits. */
async function fill(path: string): Promise<void> {
  for (const bytes of [65_536, 4_096, 1])
    for (let room = true; room;)
      room = await writeFile(join(path, "filler"), Buffer.alloc(bytes, "x"), { flag: "a" }).then(
        () => true,
        () => false,
      );
}
