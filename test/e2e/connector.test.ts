import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import type { Connector } from "../../src/control-plane/web/api/shapes.ts";
import { ago } from "./fixtures.ts";
import { inChromium, scene, type Scene } from "./scene.ts";

const NAME = "prod-eu-1";

function known({ standIn }: Scene): Connector {
  const one = standIn.world.connectors.get(NAME);
  if (one === undefined) throw new Error(`the stand-in has no ${NAME}`);
  return one;
}

function pins(page: Page): Promise<number> {
  return page.locator(".heartbeats .pins circle").count();
}

inChromium("a connector", () => {
  test("no heartbeat is drawn that never was, and the interval is the connector's own", async () => {
    await using stage = await scene();
    const { page, standIn, visit } = stage;
    const young = { heartbeatMs: 5000, since: ago(12_000), lastHeartbeatAt: ago(1000) };
    standIn.tellConnector({ ...known(stage), ...young });
    await visit(`/connectors/${NAME}`);
    await page.getByText("a heartbeat every 5 s").waitFor();
    expect(await pins(page)).toBe(3);
    await page.getByText(/^connected at /).waitFor();
    await visit("/connectors/prod-eu-2");
    expect(await pins(page)).toBe(18);
    await visit("/connectors/prod-us-2");
    // A silent one: those that were counted.
    await expect.poll(() => pins(page)).toBe(9);
  });

  test("a refused configuration is the heading, says since when, and marks the row of the overview", async () => {
    await using stage = await scene();
    const { page, standIn, visit } = stage;
    standIn.tellConnector({
      ...known(stage),
      reason: "config_invalid",
      reasonSince: ago(60_000),
      message: `Connector ${NAME} refused its configuration.`,
      cause: "mooring.yaml:3:5: no such type.",
      remedy: [{ text: "Check the file before it is rolled out.", command: "mooring check mooring.yaml" }],
    });
    await visit("/");
    await page.getByRole("link", { name: `Warning: Connector ${NAME} refused its configuration.` }).waitFor();
    await page.locator(".group-line", { hasText: NAME }).getByText("configuration refused").waitFor();
    await visit(`/connectors/${NAME}`);
    const card = page.getByRole("region", { name: "Diagnosis" });
    await card.getByRole("heading", { name: `Connector ${NAME} refused its configuration.` }).waitFor();
    await card.getByRole("heading", { name: "What to do" }).waitFor();
    expect(await card.locator(".command code").innerText()).toBe("mooring check mooring.yaml");
  });

  test("the operator revokes and removes it, asked once more by its name", async () => {
    await using stage = await scene();
    const { page, standIn, visit } = stage;
    await visit(`/connectors/${NAME}`);
    await page.getByRole("button", { name: `Revoke connector ${NAME}` }).click();
    const ask = page.getByRole("dialog");
    await ask.getByRole("heading", { name: `Revoke connector ${NAME}?` }).waitFor();
    await ask.getByRole("button", { name: "Cancel" }).click();
    expect(known(stage).revokedAt).toBeNull();
    await page.getByRole("button", { name: `Revoke connector ${NAME}` }).click();
    await ask.getByRole("button", { name: `Revoke ${NAME}` }).click();
    await page.locator(".standing").getByText("Revoked").waitFor();
    expect(await page.getByRole("button", { name: `Revoke connector ${NAME}` }).count()).toBe(0);
    await visit("/");
    await page.getByRole("link", { name: `Warning: Connector ${NAME} is revoked.` }).waitFor();
    await visit(`/connectors/${NAME}`);
    await page.getByRole("button", { name: `Remove connector ${NAME}` }).click();
    await ask.getByRole("button", { name: `Remove ${NAME}` }).click();
    await page.getByText(`${NAME} was removed at`).waitFor();
    expect(standIn.world.connectors.has(NAME)).toBe(false);
  });

  test("a viewer is not offered to end it", async () => {
    await using stage = await scene({ as: "viewer" });
    await stage.visit(`/connectors/${NAME}`);
    expect(await stage.page.getByRole("button", { name: /Revoke|Remove/ }).count()).toBe(0);
  });
});
