import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { refusedPort } from "../fake/targets.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

/** The package as a user gets it: packed, installed without development dependencies, in a folder of its own. */
describe("the installed package", () => {
  let directory: string;
  // npm's own programs are found by PATH; ours must run on the Node that this suite runs on.
  const env = { ...process.env, PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter) };

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "mooring-package-"));
    await run("npm", ["pack", "--pack-destination", directory], { cwd: root, env });
    const [tarball = ""] = await readdir(directory);
    await writeFile(join(directory, "package.json"), '{"private": true}');
    await run("npm", ["install", "--no-audit", "--no-fund", `./${tarball}`], { cwd: directory, env });
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const mooring = async (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> => {
    const bin = join(directory, "node_modules", ".bin", "mooring");
    try {
      return { code: 0, ...(await run(bin, args, { cwd: directory, env })) };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, stdout, stderr };
    }
  };

  test("checks", async () => {
    await using closed = await refusedPort();
    const config = { host: "127.0.0.1", port: closed.port };
    const database = { ...config, database: "d", tls: { mode: "disable" } };
    const secret = { store: "env", variable: "MOORING_SECRET_NONE" };
    const items = [
      { name: "a", type: "tcp", config },
      { name: "b", type: "postgresql", config: database, secret },
    ];
    await writeFile(join(directory, "m.yaml"), JSON.stringify({ integrations: items }));
    const { code, stdout, stderr } = await mooring("check", "m.yaml", "--json");
    expect(stderr).toBe("");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject([
      { reason: "connection_refused" },
      { reason: "connection_refused" },
    ]);
  });

  test("goes through the demo without the targets that need development dependencies, and says so", async () => {
    const { code, stdout, stderr } = await mooring("demo", "--once");
    expect([code, stderr]).toEqual([0, ""]);
    const why = "a development dependency is not installed; in a clone, npm ci brings it";
    expect(stdout).toContain(`Without TLS targets: ${why}\nWithout PostgreSQL: ${why}\n\n`);
    expect(stdout).toContain("✓ shop  http");
  });

  test("tells its version", async () => {
    expect((await mooring("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
