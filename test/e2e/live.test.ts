import { expect, test } from "vitest";
import type { Integration } from "../../src/control-plane/web/api/shapes.ts";
import { ago, connector, online, refused, silentConnector } from "./fixtures.ts";
import { inChromium, scene, type Scene } from "./scene.ts";

const ORDERS = "/integrations/prod-eu-1/orders-db";

function known(stage: Scene, key: string): Integration {
  const item = stage.standIn.world.integrations.get(key);
  if (item === undefined) throw new Error(`the fixtures have no ${key}`);
  return item;
}

/** An integration of prod-eu-1 that is online. */
function well(stage: Scene): Integration {
  const item = [...stage.standIn.world.integrations.values()].find(
    (one) => one.connector === "prod-eu-1" && one.state === "online",
  );
  if (item === undefined) throw new Error("the fixtures have none that is online");
  return item;
}

inChromium("live", () => {
  test("a break and a recovery are shown as they are told, and read out", async () => {
    await using stage = await scene();
    const { page, standIn } = stage;
    const item = well(stage);
    const began = Date.now();
    standIn.tell({ ...refused(item), since: ago(0) });
    await page.getByRole("link", { name: `Integration ${item.name} is unreachable.` }).waitFor();
    expect(Date.now() - began).toBeLessThan(1000);
    await page.getByRole("heading", { level: 1, name: "4 integrations are in error." }).waitFor();
    const region = page.getByRole("status");
    await expect.poll(() => region.textContent()).toContain(`${item.name}: Error.`);
    standIn.tell({ ...item, since: ago(0) });
    await page.getByRole("heading", { level: 1, name: "3 integrations are in error." }).waitFor();
    await expect
      .poll(() => region.textContent(), { timeout: 8000 })
      .toContain(`${item.name} is online again.`);
  });

  test("a frozen connector is told as unreachable, and its integrations as unknown", async () => {
    await using stage = await scene();
    const { page, standIn, visit } = stage;
    await visit("/connectors/prod-ap-1");
    standIn.tellConnector(silentConnector("prod-ap-1"));
    await page.getByRole("heading", { level: 2, name: "Connector prod-ap-1 is unreachable." }).waitFor();
    await page.getByText("of the other 7 connectors are connected.").waitFor();
    standIn.tellConnector(connector("prod-ap-1"));
    await page.getByRole("heading", { level: 2, name: "Connector prod-ap-1 is connected." }).waitFor();
  });

  test("Refresh shows its stages as they pass, and the outcome", async () => {
    await using stage = await scene();
    const { page, standIn, visit } = stage;
    standIn.stageMs = 400;
    const item = well(stage);
    await visit(`/integrations/prod-eu-1/${item.name}`);
    await page.getByRole("button", { name: "Refresh" }).click();
    const line = page.getByRole("list", { name: "Stages" });
    await expect.poll(() => line.innerText()).toContain("running");
    const seen = new Set<number>();
    await expect
      .poll(
        async () => {
          seen.add((await line.innerText()).split("passed").length - 1);
          return page.getByText(`Refresh: all ${item.stages.length} stages passed.`).count();
        },
        { timeout: 15_000, interval: 50 },
      )
      .toBeGreaterThan(0);
    expect(seen.size).toBeGreaterThanOrEqual(item.stages.length - 1);
    await expect
      .poll(() => page.getByRole("status").textContent(), { timeout: 8000 })
      .toContain("Refresh: all");
  });

  test("Test stands apart, and changes no status", async () => {
    await using stage = await scene();
    const { page, visit } = stage;
    await visit(ORDERS);
    await page.keyboard.press("t");
    const result = page.getByRole("region", { name: "Test" });
    await result.getByRole("heading", { name: "Test: failed at connect." }).waitFor();
    expect(await result.innerText()).toContain("changed no status");
    await result.getByRole("button", { name: "Close the test" }).click();
    expect(await result.count()).toBe(0);
  });

  test("says since when it is not live, keeps the picture, and comes back with what happened meanwhile", async () => {
    await using stage = await scene();
    const { page, standIn, visit } = stage;
    await visit(ORDERS);
    await standIn.stop();
    const alert = page.getByRole("alert").filter({ hasText: "Not live since" });
    await alert.waitFor({ timeout: 8000 });
    expect(await alert.textContent()).toMatch(/Not live since \d\d:\d\d:\d\d\./);
    await page.getByText("Integration orders-db is unreachable.").waitFor();
    await page.getByRole("button", { name: "Refresh waits for the control plane" }).waitFor();
    const healed = online("prod-eu-1", "orders-db", "postgresql");
    standIn.world.integrations.set("prod-eu-1/orders-db", { ...healed, since: ago(0) });
    await standIn.start();
    // It may have come back by itself before the click.
    await page
      .getByRole("button", { name: "Try now" })
      .click({ timeout: 2000 })
      .catch(() => {});
    await page.getByText("Works. All 8 stages passed").waitFor({ timeout: 20_000 });
    expect(await alert.count()).toBe(0);
  });

  test("no row moves under the pointer: the changes wait for Sort", async () => {
    await using stage = await scene();
    const { page, standIn } = stage;
    await page.locator(".fleet-table .row").first().hover();
    const names = (): Promise<string[]> => page.locator(".fleet-table .row .name a").allInnerTexts();
    const before = await names();
    const item = well(stage);
    standIn.tell({ ...refused(item), since: ago(0) });
    const sort = page.locator(".fleet").getByRole("button", { name: /change.*Sort/ });
    await sort.waitFor();
    expect(await names()).toEqual(before);
    await sort.click();
    await expect.poll(names).toContain(item.name);
  });

  test("what was removed says when", async () => {
    await using stage = await scene();
    const { page, standIn, visit } = stage;
    await visit(ORDERS);
    known(stage, "prod-eu-1/orders-db");
    standIn.remove("prod-eu-1/orders-db");
    await page.getByRole("heading", { name: /^orders-db was removed at \d\d:\d\d:\d\d\.$/ }).waitFor();
  });

  test("a control plane that answers with a refusal is quoted, and asked again on demand", async () => {
    await using stage = await scene({ as: "nobody" });
    const { page, standIn } = stage;
    const refusal = {
      type: "about:blank",
      title: "Service Unavailable",
      status: 503,
      detail: "The store is being moved.",
    };
    await page.route("**/api/v1/connectors*", (route) =>
      route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify(refusal) }),
    );
    await page.goto(standIn.origin);
    await page.getByLabel("Operator token").fill(standIn.operator);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Service Unavailable" }).waitFor();
    await page.getByText("The store is being moved.").waitFor();
    await page.unroute("**/api/v1/connectors*");
    await page.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("heading", { level: 1, name: "1 connector is unreachable." }).waitFor();
  });
});
