import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Report } from "../../src/protocol/report.ts";
import { entry, environmentWith, mooring } from "./run.ts";

test("mooring demo checks real targets, each failing in a way of its own, and leaves nothing behind", async () => {
  const left = async (): Promise<string[]> =>
    (await readdir(tmpdir())).filter((name) => name.startsWith("mooring-demo-"));
  const before = await left();
  const { code, stdout, stderr } = await mooring(["demo", "--once", "--json"]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const reports = JSON.parse(stdout) as Report[];
  const reasons = Object.fromEntries(reports.map(({ name, state, reason }) => [name, reason ?? state]));
  expect(reasons).toEqual({
    shop: "online",
    cache: "online",
    search: "connection_refused",
    billing: "credentials_rejected",
    stock: "response_timeout",
    mail: "protocol_mismatch",
    archive: expect.stringMatching(/^dns_/) as string,
    gateway: "online",
    partner: "certificate_expired",
    webhooks: "certificate_expiring",
    legacy: "certificate_untrusted",
    "orders-db": "online",
    "reports-db": "credentials_rejected",
    "ledger-db": "database_not_found",
    "audit-db": "permission_denied",
    "crm-db": "account_locked",
    "users-db": "secret_not_found",
    "events-db": "secret_field_missing",
  });
  expect((await left()).filter((name) => !before.includes(name))).toEqual([]);
});

describe("a demo that is cut short", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "mooring-cut-"));
    await chmod(folder, 0o755); // For the account that PostgreSQL runs as.
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Makes Node take itself for one that is too old, so that the wrapper starts another. */
  const OLD_NODE = `data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.0.0"}})`;

  /** A process group of its own, as a terminal makes one for what is typed. */
  function started(...options: readonly string[]): ChildProcess {
    return spawn(process.execPath, [...options, entry, "demo", "--once"], {
      env: environmentWith({ TMPDIR: folder }),
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
  }

  /** Waits until the demo has made a folder of this kind. */
  async function made(prefix: string): Promise<void> {
    const isThere = async (): Promise<void> =>
      expect((await readdir(folder)).filter((name) => name.startsWith(prefix))).not.toEqual([]);
    await vi.waitFor(isThere, { timeout: 15_000, interval: 5 });
  }

  /** What a terminal does: the whole group gets the signal. */
  function interrupt(child: ChildProcess): void {
    process.kill(-(child.pid ?? 0), "SIGINT");
  }

  async function outputOf(child: ChildProcess): Promise<{ code: number | null; said: string }> {
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => (said += text));
    }
    const [code] = (await once(child, "close")) as [number | null];
    return { code, said };
  }

  test.each([
    ["while its targets start", "mooring-demo-", []],
    ["while PostgreSQL starts", "mooring-pg-", []],
    ["while PostgreSQL starts, on an old Node", "mooring-pg-", ["--import", OLD_NODE]],
  ])("by two interrupts %s leaves nothing and says nothing", async (_, prefix, options) => {
    const child = started(...options);
    const ended = outputOf(child);
    await made(prefix);
    interrupt(child);
    setTimeout(() => interrupt(child), 5);
    expect(await ended).toEqual({ code: 130, said: "" });
    expect(await readdir(folder)).toEqual([]);
  });

  test("by two interrupts while it prints leaves nothing", async () => {
    const child = started();
    const ended = outputOf(child);
    await once(child.stdout ?? child, "data");
    interrupt(child);
    setTimeout(() => interrupt(child), 5);
    expect((await ended).code).toBe(130);
    expect(await readdir(folder)).toEqual([]);
  });

  test("by a reader that has seen enough leaves nothing", async () => {
    const child = started();
    const ended = once(child, "exit");
    child.stdout?.destroy();
    expect(await ended).toEqual([0, null]);
    expect(await readdir(folder)).toEqual([]);
  });

  test("no folder to write to", async () => {
    const { code, stdout, stderr } = await mooring(["demo"], { TMPDIR: join(folder, "absent") });
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^mooring demo: no folder can be made in \S+ \(ENOENT\); set TMPDIR to .+\n$/);
  });

  test("a folder too long for PostgreSQL's socket", async () => {
    const long = join(folder, "x".repeat(100));
    await mkdir(long);
    const { code, stdout } = await mooring(["demo", "--once"], { TMPDIR: long });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^Without PostgreSQL: the path of its socket would be too long in \S+; set TMPDIR/,
    );
    expect(await readdir(long)).toEqual([]);
    await rm(long, { recursive: true });
  });
});
