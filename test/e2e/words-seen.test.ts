import { expect, test } from "vitest";
import { inChromium, scene } from "./scene.ts";

inChromium("what a reader is told", () => {
  test("what was known last is told once, with its age", async () => {
    await using stage = await scene();
    const { page, standIn, visit } = stage;
    const item = [...standIn.world.integrations.values()].find(({ lastKnown }) => lastKnown !== null);
    await visit(`/integrations/${item?.connector}/${item?.name}`);
    await page.getByRole("heading", { level: 2, name: `Integration ${item?.name} is unknown.` }).waitFor();
    await page.getByText(/^last known online, \d+ min ago$/).waitFor();
    expect(await page.locator("main").innerText()).not.toMatch(/\d{4}-\d\d-\d\dT/);
  });

  test("Go to finds a secret", async () => {
    await using stage = await scene();
    const { page, visit } = stage;
    await visit("/");
    await page.getByRole("combobox", { name: "Go to" }).fill("stripe-live");
    await page.getByRole("option", { name: "payments/stripe-live" }).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "payments/stripe-live" }).waitFor();
  });

  test("the name of a connector that exists is told before a token is made", async () => {
    await using stage = await scene();
    const { page, visit } = stage;
    await visit("/add");
    await page.getByLabel("Name").fill("prod-eu-1");
    await page.getByText("Connector prod-eu-1 exists already: it is connected.").waitFor();
    await page.getByRole("button", { name: "Make a new join token for prod-eu-1" }).click();
    await page.getByText(/^mjt_/).waitFor();
  });

  test("no first or long reason of a row is cut", async () => {
    await using stage = await scene({ width: 1400 });
    const { page, standIn, visit } = stage;
    const item = standIn.world.integrations.get("prod-eu-1/orders-db");
    if (item === undefined) throw new Error("the stand-in has no orders-db");
    standIn.tell({ ...item, stage: "authenticate", reason: "credentials_rejected" });
    await visit("/");
    const cell = page.locator(".row.is-error .stages").first();
    await cell.getByText("authenticate: credentials rejected").waitFor();
    const cut = `[...document.querySelectorAll(".row .stages, .row .stages > span")].filter((e) => e.scrollWidth > e.clientWidth || e.scrollHeight > e.clientHeight + 1).map((e) => e.textContent)`;
    expect(await page.evaluate(cut)).toEqual([]);
  });
});
