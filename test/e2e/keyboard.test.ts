import { expect, test } from "vitest";
import type { Page } from "playwright-core";
import { inChromium, scene } from "./scene.ts";

const FOCUSED =
  "document.activeElement === document.body ? '' : document.activeElement.tagName + ' ' + document.activeElement.id + ' ' + (document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent ?? '').trim()";

/** Everything that Tab comes to, until it comes round. */
async function walk(page: Page): Promise<string[]> {
  const names: string[] = [];
  for (let step = 0; step < 400; step += 1) {
    await page.keyboard.press("Tab");
    const name = (await page.evaluate(FOCUSED)) as string;
    if (name === "" || (names.length > 3 && name === names[0])) break;
    names.push(name);
  }
  return names;
}

inChromium("keyboard", () => {
  test.each([
    "/",
    "/integrations/prod-eu-1/orders-db",
    "/connectors/prod-us-2",
    "/connectors/prod-eu-1/test",
    "/add",
  ])(
    "Tab comes to everything on %s, and the focus is seen",
    async (path) => {
      await using stage = await scene();
      const { page, visit } = stage;
      await visit(path);
      const names = await walk(page);
      expect(names[0]).toContain("Skip to the content");
      const reachable = (await page.evaluate(
        `[...document.querySelectorAll("a[href], button, input, select, [tabindex='0']")].filter((e) => e.checkVisibility() && !(e.type === "radio" && !e.checked)).length`,
      )) as number;
      expect(names.length).toBe(reachable);
      const unseen = (await page.evaluate(
        `[...document.querySelectorAll("a[href], button")].filter((e) => { e.focus({ focusVisible: true }); const s = getComputedStyle(e); const after = getComputedStyle(e, "::after"); return e.checkVisibility() && s.outlineStyle === "none" && after.outlineStyle === "none"; }).map((e) => e.outerHTML)`,
      )) as string[];
      expect(unseen).toEqual([]);
    },
    120_000,
  );

  test("the keys do what the list says", async () => {
    await using stage = await scene();
    const { page, visit } = stage;
    await visit("/");
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    expect(await page.evaluate(FOCUSED)).toContain("orders-db");
    await page.keyboard.press("k");
    await page.keyboard.press("j");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "orders-db" }).waitFor();
    expect(await page.evaluate("document.activeElement.tagName")).toBe("H1");
    await page.keyboard.press("c");
    await expect
      .poll(() => page.evaluate("navigator.clipboard.readText()"))
      .toContain("kubectl -n data logs");
    await page.keyboard.press("Escape");
    await page.getByRole("heading", { level: 1, name: "1 connector" }).waitFor();
    await page.keyboard.press("1");
    expect(new URL(page.url()).search).toBe("?state=error");
    await page.keyboard.press("f");
    await page.keyboard.type("stripe");
    expect(new URL(page.url()).search).toBe("?state=error&q=stripe");
    await page.keyboard.press("Escape");
    await page.keyboard.press("/");
    await page.keyboard.type("orders-db");
    await page.getByRole("option", { name: "orders-db" }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "orders-db" }).waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog", { name: "Keys" }).waitFor({ state: "hidden" });
  });

  test("the theme is chosen, kept, and does not flash", async () => {
    await using stage = await scene({ theme: "light" });
    const { page, visit } = stage;
    await page.getByRole("button", { name: /^Theme: system/ }).click();
    await page.getByRole("button", { name: /^Theme: light/ }).click();
    expect(await page.evaluate("getComputedStyle(document.documentElement).backgroundColor")).toBe(
      "rgb(11, 16, 23)",
    );
    await visit("/tokens");
    expect(await page.evaluate("document.documentElement.dataset.theme")).toBe("dark");
  });
});
