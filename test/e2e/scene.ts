import type { Page } from "playwright-core";
import { describe } from "vitest";
import { Browser, CHROMIUM, signIn, type Look, type Seen } from "./browser.ts";
import { StandIn } from "./stand-in.ts";

/** A control plane, a browser and a page that is signed in; all gone with the disposal. */
export interface Scene extends AsyncDisposable {
  readonly standIn: StandIn;
  readonly browser: Browser;
  readonly page: Page;
  readonly seen: Seen;
  /** Goes to a path and waits for its heading. */
  readonly visit: (path: string) => Promise<void>;
}

interface SceneOptions extends Look {
  readonly total?: number;
  readonly as?: "operator" | "viewer" | "nobody";
}

export async function scene(options: SceneOptions = {}): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const standIn = await StandIn.open(options.total ?? 226);
  stack.defer(() => standIn.stop());
  const browser = stack.use(await Browser.open(options));
  const { page, seen } = await browser.page(standIn.origin);
  const as = options.as ?? "operator";
  if (as !== "nobody") {
    await signIn(page, standIn.origin, standIn[as]);
    // The whole picture, not only what is not well: what is told from now on is a change.
    await page
      .getByRole("button", { name: `All ${standIn.world.integrations.size.toLocaleString("en")}` })
      .waitFor();
  }
  const visit = async (path: string): Promise<void> => {
    await page.goto(`${standIn.origin}${path}`);
    await page.getByRole("heading", { level: 1 }).waitFor();
    await page.locator(".loading").waitFor({ state: "detached" });
  };
  const parts = stack.move();
  return { standIn, browser, page, seen, visit, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

/** A suite that needs Chromium, and says that it is skipped where there is none. */
export function inChromium(name: string, suite: () => void): void {
  if (CHROMIUM === undefined) describe.skip(`${name} (skipped: no Chromium; set MOORING_CHROMIUM)`, suite);
  else describe(name, suite);
}
