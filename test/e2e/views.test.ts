import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { inChromium, scene } from "./scene.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Every view, in the states that look different, and what its heading says. */
const VIEWS: readonly (readonly [path: string, heading: string])[] = [
  ["/", "1 connector is unreachable. 3 integrations are in error."],
  ["/?state=error,warning&group=reason", "1 connector is unreachable. 3 integrations are in error."],
  ["/?q=nothing-is-called-that", "1 connector is unreachable. 3 integrations are in error."],
  ["/integrations/prod-eu-1/orders-db", "orders-db"],
  ["/integrations/prod-eu-1/edge-tls", "edge-tls"],
  ["/integrations/prod-eu-2/stripe-api", "stripe-api"],
  ["/integrations/prod-us-2/users-kafk-10", "users-kafk-10"],
  ["/integrations/prod-us-3/edge-post-6", "edge-post-6"],
  ["/integrations/prod-us-3/no-such", "no-such"],
  ["/connectors/prod-us-2", "prod-us-2"],
  ["/connectors/prod-eu-1", "prod-eu-1"],
  ["/connectors/prod-eu-1/test", "Test an integration before you save it"],
  ["/secrets", "1 secret does not work."],
  ["/secrets/prod-eu-2/kubernetes-stripe", "payments/stripe-live"],
  ["/secrets/prod-eu-1/vault-orders", "kv/orders/db"],
  ["/secrets/prod-eu-1/no-such", "no-such"],
  ["/tokens", "Join tokens"],
  ["/add", "Add a connector"],
  ["/no/such/place", "Nothing is at this address."],
];

interface Fault {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

async function faultsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  const run = `axe.run(document, { runOnly: ${JSON.stringify(RULES)} }).then(({ violations, passes }) => ({ violations, passes: passes.length }))`;
  const { violations, passes } = (await page.evaluate(run)) as {
    violations: readonly Fault[];
    passes: number;
  };
  // An engine that looked at nothing finds nothing.
  expect(passes).toBeGreaterThan(15);
  return violations.map(
    ({ id, impact, nodes }) => `${impact} ${id}: ${nodes[0]?.html} ${nodes[0]?.failureSummary}`,
  );
}

inChromium("views", () => {
  test.each([
    ["light", 1440],
    ["dark", 1440],
    ["light", 390],
    ["dark", 390],
  ] as const)(
    "in %s at %i px: no fault, no violation, no stranger, no sideways scroll",
    async (theme, width) => {
      await using stage = await scene({ theme, width, height: 900 });
      const { page, seen, visit } = stage;
      const faults: string[] = [];
      for (const [path, heading] of VIEWS) {
        await visit(path);
        expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe(heading);
        expect(await page.getByRole("heading", { level: 1 }).count()).toBe(1);
        await page.waitForTimeout(150);
        for (const fault of await faultsOf(page)) faults.push(`${path}: ${fault}`);
        const sideways = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
        expect(sideways, `${path} scrolls sideways`).toBeLessThanOrEqual(0);
      }
      expect(faults).toEqual([]);
      expect(seen.violations).toEqual([]);
      expect(seen.strangers).toEqual([]);
      // The one address that is none answers 404.
      expect(seen.errors.filter((text) => !text.includes("404"))).toEqual([]);
    },
  );

  test("at 320 px nothing scrolls sideways", async () => {
    await using stage = await scene({ width: 320, height: 700 });
    for (const [path] of VIEWS) {
      await stage.visit(path);
      expect(
        await stage.page.evaluate("document.documentElement.scrollWidth - innerWidth"),
        path,
      ).toBeLessThanOrEqual(0);
    }
  });

  test("an integration says what broke, why, where and what to type", async () => {
    await using stage = await scene();
    const { page, visit } = stage;
    await visit("/integrations/prod-eu-1/orders-db");
    await expect.poll(() => page.title()).toBe("(1) orders-db: Error - Mooring");
    const card = page.getByRole("region", { name: "Diagnosis" });
    expect(await card.getByRole("heading", { level: 2 }).first().textContent()).toBe(
      "Integration orders-db is unreachable.",
    );
    const stages = await card.getByRole("list", { name: "Stages" }).getByRole("listitem").allInnerTexts();
    expect(stages.map((text) => text.split("\n")[1]?.split(" · ")[0])).toEqual([
      "passed",
      "refused",
      "not reached",
      "not reached",
      "not reached",
      "not reached",
      "not reached",
      "blocked",
    ]);
    await card.getByRole("button", { name: "Copy command" }).first().click();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(
      "kubectl -n data logs orders-db-0 -c postgres --previous --tail=50",
    );
    await page.getByRole("button", { name: "Copy for a ticket" }).click();
    const ticket = (await page.evaluate("navigator.clipboard.readText()")) as string;
    expect(ticket).toContain("## Integration orders-db is unreachable.");
    expect(ticket).toContain("| connect | refused");
    expect(ticket).toContain("- NetworkPolicy: not checked.");
  });

  test("the form marks the field, offers the answer, and tests again", async () => {
    await using stage = await scene();
    const { page, visit } = stage;
    await visit("/connectors/prod-eu-1/test");
    await page.getByRole("button", { name: "Test" }).click();
    const summary = page.getByRole("alert", { name: "What is missing" });
    await summary.waitFor();
    await expect
      .poll(() => summary.evaluate((element) => element === element.ownerDocument.activeElement))
      .toBe(true);
    await page.getByLabel("Name", { exact: true }).first().fill("billing-db");
    await page.getByLabel("Host").fill("billing-db.billing.svc");
    await page.getByLabel("Database").fill("billing");
    await page.getByLabel("Namespace").fill("billing");
    await page.getByLabel("Name", { exact: true }).nth(1).fill("billing-db-app");
    await page.keyboard.press("Control+Enter");
    await page.getByRole("button", { name: "Use “pass” as password" }).click();
    await page.getByText("Works", { exact: true }).waitFor();
    expect(await page.getByLabel("password").inputValue()).toBe("pass");
    expect(await page.getByLabel("YAML", { exact: true }).innerText()).toContain("fields: {password: pass}");
  });

  test("a join token is shown once, with the exact commands, and the page waits for the connector", async () => {
    await using stage = await scene();
    const { page, standIn, visit } = stage;
    await visit("/add");
    await page.getByLabel("Name").fill("Prod 9");
    await page.getByRole("button", { name: "Make a join token" }).click();
    await page.getByText("Lower-case letters").first().waitFor();
    await page.getByLabel("Name").fill("prod-us-9");
    await page.getByRole("button", { name: "Make a join token" }).click();
    await page.getByText(/^mjt_/).waitFor();
    const commands = await page.locator(".command code").allInnerTexts();
    expect(commands.join("\n")).toContain(
      "--set controlPlane.url=wss://mooring.acme.example --set controlPlane.connectorName=prod-us-9",
    );
    expect(commands.join("\n")).not.toContain("mjt_");
    const made = standIn.world.connectors.get("prod-us-9");
    if (made === undefined) throw new Error("the stand-in has no prod-us-9");
    standIn.tellConnector({
      ...made,
      state: "connected",
      since: new Date(Date.now() + 1).toISOString(),
      message: "Connector prod-us-9 is connected.",
    });
    await page.getByRole("heading", { name: "prod-us-9 is connected." }).waitFor();
    await visit("/tokens");
    expect(await page.getByText(/mjt_/).count()).toBe(0);
    await page.getByRole("button", { name: "Revoke the token of prod-us-9" }).click();
    await page.getByText("No token.").waitFor();
  });
});
