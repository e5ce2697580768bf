import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium, type BrowserContext, type Page } from "playwright-core";

/** Debian's chromium, or another by its path; undefined where there is none. */
export const CHROMIUM = [process.env["MOORING_CHROMIUM"], "/usr/bin/chromium"].find(
  (path) => path !== undefined && existsSync(path),
);

const ARGUMENTS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Runs in the page: tells every violation of the content security policy. */
const WATCH = `document.addEventListener("securitypolicyviolation", (event) =>
  toldViolation([event.violatedDirective, event.blockedURI, event.sourceFile, event.lineNumber].join(" ")));`;

/** What a page must not do, as it was seen. */
export interface Seen {
  /** Violations of the content security policy. */
  readonly violations: string[];
  /** Errors on the console and uncaught ones. */
  readonly errors: string[];
  /** Requests to another origin. */
  readonly strangers: string[];
}

export interface Look {
  readonly theme?: "light" | "dark";
  readonly width?: number;
  readonly height?: number;
  readonly scale?: number;
  readonly calm?: boolean;
}

/** A browser with a profile of its own, gone with the disposal. */
export class Browser implements AsyncDisposable {
  readonly #profile: string;
  readonly #look: Look;
  #context: BrowserContext | null = null;

  private constructor(profile: string, look: Look) {
    this.#profile = profile;
    this.#look = look;
  }

  static async open(look: Look = {}): Promise<Browser> {
    return new Browser(await mkdtemp(join(tmpdir(), "mooring-chromium-")), look);
  }

  /** A page that watches itself for an origin. */
  async page(origin: string): Promise<{ readonly page: Page; readonly seen: Seen }> {
    const { theme = "light", width = 1440, height = 900, scale = 1, calm = true } = this.#look;
    this.#context ??= await chromium.launchPersistentContext(this.#profile, {
      executablePath: CHROMIUM ?? "/usr/bin/chromium",
      args: ARGUMENTS,
      headless: true,
      colorScheme: theme,
      reducedMotion: calm ? "reduce" : "no-preference",
      viewport: { width, height },
      deviceScaleFactor: scale,
      hasTouch: width < 640,
      permissions: ["clipboard-read", "clipboard-write"],
    });
    const page = await this.#context.newPage();
    const seen: Seen = { violations: [], errors: [], strangers: [] };
    await page.exposeFunction("toldViolation", (text: string) => seen.violations.push(text));
    await page.addInitScript(WATCH);
    page.on("console", (message) => {
      if (message.type() === "error") seen.errors.push(message.text());
    });
    page.on("pageerror", (error) => seen.errors.push(error.message));
    page.on("request", (request) => {
      if (!request.url().startsWith(`${origin}/`)) seen.strangers.push(request.url());
    });
    return { page, seen };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context?.close();
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Signs in with a token by the form. */
export async function signIn(page: Page, origin: string, token: string, path = "/"): Promise<void> {
  await page.goto(`${origin}${path}`);
  await page.getByLabel("Operator token").fill(token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("banner").waitFor();
}
