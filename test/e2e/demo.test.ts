import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Page } from "playwright-core";
import { entry, environmentWith } from "../cli/run.ts";
import { Browser, CHROMIUM, type Seen } from "./browser.ts";

/** From one look to the next, in the demo. */
const INTERVAL_MS = 5_000;
/** From the look that finds it to the page that shows it. */
const SHOWN_MS = 2_000;
/** Silence that is a verdict, in the demo. */
const SILENCE_MS = 16_000;

describe.skipIf(CHROMIUM === undefined)("the demo in a real browser", () => {
  let child: ChildProcess;
  let said = "";
  let page: Page;
  let seen: Seen;
  let browser: Browser | undefined;

  beforeAll(async () => {
    const args = [entry, "demo", "--listen", "127.0.0.1:0"];
    child = spawn(process.execPath, args, { env: environmentWith({}), stdio: ["pipe", "pipe", "inherit"] });
    child.stdout?.setEncoding("utf8").on("data", (text: string) => (said += text));
    const link = await vi.waitUntil(() => /http:\S+#link=[\w-]+/.exec(said)?.[0], { timeout: 30_000 });
    browser = await Browser.open();
    ({ page, seen } = await browser.page(new URL(link ?? "").origin));
    await page.goto(link ?? "");
    await page.getByRole("heading", { level: 1, name: /in error/ }).waitFor({ timeout: 20_000 });
  });
  afterAll(async () => {
    await browser?.[Symbol.asyncDispose]();
    const ended = once(child, "exit");
    child.stdin?.write("q");
    await ended;
  });

  const press = (key: string): void => void child.stdin?.write(key);
  const sees = (text: string | RegExp, ms: number): Promise<void> =>
    page.getByText(text).first().waitFor({ timeout: ms });

  test("a database is stopped: shown with its cause; started: online again by itself", async () => {
    await page.goto(new URL("/integrations/demo/orders-db", page.url()).href);
    await sees(/Works\./, 15_000);
    press("d");
    await sees(/refused the connection/, INTERVAL_MS * 1.2 + SHOWN_MS + 2_000);
    press("d");
    await sees(/Works\./, 2 * INTERVAL_MS * 1.2 + SHOWN_MS + 2_000);
  });

  test("Refresh shows its stages", async () => {
    await page.getByRole("button", { name: /Refresh/ }).click();
    await sees(/authorize/, 5_000);
    await expect.poll(() => page.getByText("passed").count(), { timeout: 10_000 }).toBeGreaterThanOrEqual(7);
  });

  test("a frozen connector is called unreachable, and comes back", async () => {
    await page.goto(new URL("/", page.url()).href);
    press("f");
    await page
      .getByRole("heading", { level: 1, name: /1 connector is unreachable/ })
      .waitFor({ timeout: SILENCE_MS + 8_000 });
    press("f");
    await page
      .getByRole("heading", { level: 1, name: /integrations are in error/ })
      .waitFor({ timeout: 15_000 });
  });

  test("nothing broke the content policy, and nothing was asked of another origin", () => {
    expect(seen).toEqual({ violations: [], errors: [], strangers: [] });
  });
});
