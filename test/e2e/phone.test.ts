import { expect, test } from "vitest";
import { inChromium, scene } from "./scene.ts";

inChromium("on a phone", () => {
  test("the account menu lists every place once, and leads there", async () => {
    await using stage = await scene({ width: 390, height: 844 });
    const { page, visit } = stage;
    await visit("/");
    await page.getByRole("button", { name: "Account: operator" }).click();
    const places = page.locator(".account-panel a");
    expect(await places.allInnerTexts()).toEqual(["Overview", "Secrets", "Tokens"]);
    await places.nth(1).click();
    await page.getByRole("heading", { level: 1, name: "1 secret does not work." }).waitFor();
    await page.locator(".of-place", { hasText: "prod-eu-2" }).first().waitFor();
  });

  test("a token's Revoke stands at the end of its row", async () => {
    await using stage = await scene({ width: 390, height: 844 });
    const { page, visit } = stage;
    await visit("/add");
    await page.getByLabel("Name").fill("prod-us-9");
    await page.getByRole("button", { name: "Make a join token" }).click();
    await page.getByText(/^mjt_/).waitFor();
    await visit("/tokens");
    const button = await page.getByRole("button", { name: "Revoke the token of prod-us-9" }).boundingBox();
    const row = await page.locator(".token-table tbody tr").first().boundingBox();
    if (button === null || row === null) throw new Error("nothing is shown");
    expect(row.x + row.width - (button.x + button.width)).toBeLessThan(24);
  });
});
