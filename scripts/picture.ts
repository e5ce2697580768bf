// Takes the README's picture from a running demo whose database was stopped (key d):
// node scripts/picture.ts SIGN-IN-LINK docs/page.png
import { chromium } from "playwright-core";

const [, , link = "", file = "docs/page.png"] = process.argv;
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"],
});
const page = await browser.newPage({ viewport: { width: 1280, height: 860 } });
await page.goto(link);
await page.getByRole("heading", { level: 1 }).waitFor();
await page.goto(new URL("/integrations/demo/orders-db", link).href);
await page.getByRole("heading", { name: "What to do" }).waitFor();
await page.screenshot({ path: file });
await browser.close();
