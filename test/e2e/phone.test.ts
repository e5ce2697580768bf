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
  });
});
