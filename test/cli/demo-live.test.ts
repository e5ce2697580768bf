import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { entry, environmentWith } from "./run.ts";

interface Shown {
  readonly name: string;
  readonly state: string;
  readonly reason: string | null;
}

describe("mooring demo", () => {
  const token = randomBytes(24).toString("hex");
  let folder: string;
  let child: ChildProcess;
  let said = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "mooring-live-"));
    await chmod(folder, 0o755); // For the account that PostgreSQL runs as.
    await writeFile(join(folder, "token"), token);
    const env = environmentWith({ TMPDIR: folder, MOORING_OPERATOR_TOKEN_FILE: join(folder, "token") });
    const args = [entry, "demo", "--no-keys", "--listen", "127.0.0.1:0"];
    child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "inherit"] });
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (said += text));
  });
  afterAll(async () => {
    child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });

  const origin = (): string => /http:\/\/127\.0\.0\.1:\d+/.exec(said)?.[0] ?? "";
  const ask = async (path: string): Promise<Response> =>
    fetch(`${origin()}${path}`, { headers: { authorization: `Bearer ${token}` } });

  test("shows at least three online and six that fail differently within 15 s", async () => {
    const isShown = async (): Promise<void> => {
      const { items } = (await (await ask("/api/v1/integrations?limit=500")).json()) as { items: Shown[] };
      const failing = items.filter(({ state }) => state === "error").map(({ reason }) => reason);
      expect(items.filter(({ state }) => state === "online").length).toBeGreaterThanOrEqual(3);
      expect(new Set(failing).size).toBeGreaterThanOrEqual(6);
    };
    await vi.waitFor(isShown, { timeout: 15_000, interval: 100 });
  });

  test("its link signs in once", async () => {
    const word = /#link=([\w-]+)/.exec(said)?.[1];
    const signIn = (): Promise<Response> =>
      fetch(`${origin()}/api/v1/session`, {
        method: "POST",
        headers: { "content-type": "application/json", origin: origin(), "mooring-page": "1" },
        body: JSON.stringify({ link: word }),
      });
    const first = await signIn();
    expect(first.status).toBe(200);
    expect(await first.json()).toMatchObject({ role: "operator" });
    expect((await signIn()).status).toBe(401);
    expect(said).not.toContain(token);
  });

  test("serves the page", async () => {
    const page = await ask("/");
    expect(page.status).toBe(200);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'self'");
  });

  test("ends at a signal and leaves nothing behind", async () => {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    expect(await ended).toEqual([143, null]);
    expect(await readdir(folder)).toEqual(["token"]);
  });
});

test("a demo that is killed leaves nothing behind either", async () => {
  const folder = await mkdtemp(join(tmpdir(), "mooring-killed-"));
  await chmod(folder, 0o755);
  const args = [entry, "demo", "--no-keys", "--listen", "127.0.0.1:0"];
  const child = spawn(process.execPath, args, {
    env: environmentWith({ TMPDIR: folder }),
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout ?? child, "data");
  expect((await readdir(folder)).length).toBeGreaterThan(0);
  child.kill("SIGKILL");
  await vi.waitFor(async () => expect(await readdir(folder)).toEqual([]), { timeout: 10_000, interval: 50 });
  await rm(folder, { recursive: true });
});
