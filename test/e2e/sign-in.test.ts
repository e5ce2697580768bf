import { expect, test } from "vitest";
import { inChromium, scene } from "./scene.ts";

inChromium("sign-in", () => {
  test("a wrong token is refused; the right one goes to the address that was asked for", async () => {
    await using stage = await scene({ as: "nobody" });
    const { page, standIn, seen } = stage;
    await page.goto(`${standIn.origin}/connectors/prod-eu-1?x=1`);
    const field = page.getByLabel("Operator token");
    await field.fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByText("This token is not known here.").waitFor();
    expect(await field.inputValue()).toBe("wrong");
    await field.fill(standIn.operator);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "prod-eu-1" }).waitFor();
    expect(new URL(page.url()).pathname).toBe("/connectors/prod-eu-1");
    const cookies = await page.context().cookies();
    expect(cookies.map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite }))).toEqual([
      { httpOnly: true, sameSite: "Strict" },
    ]);
    expect(seen.violations).toEqual([]);
  });

  test("signing out ends the session, here and on the control plane", async () => {
    await using stage = await scene();
    const { page, standIn } = stage;
    const [cookie] = await page.context().cookies();
    await page.getByRole("button", { name: "Account: operator" }).click();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("Operator token").waitFor();
    const answer = await fetch(`${standIn.origin}/api/v1/connectors`, {
      headers: { cookie: `${cookie?.name}=${cookie?.value}` },
    });
    expect(answer.status).toBe(401);
  });

  test("a link signs in once, and leaves no word in the address", async () => {
    await using stage = await scene({ as: "nobody" });
    const { page, standIn } = stage;
    const word = standIn.signIn.makeLink();
    await page.goto(`${standIn.origin}/sign-in#link=${word}`);
    await page.getByRole("banner").waitFor();
    expect(page.url()).toBe(`${standIn.origin}/`);
    await page.context().clearCookies();
    await page.goto("about:blank");
    await page.goto(`${standIn.origin}/sign-in#link=${word}`);
    await page.getByText("This token is not known here.").waitFor();
  });

  test("a viewer looks and does not touch", async () => {
    await using stage = await scene({ as: "viewer" });
    const { page, visit } = stage;
    expect(await page.getByRole("link", { name: "Add a connector" }).count()).toBe(0);
    await visit("/integrations/prod-eu-1/orders-db");
    const refresh = page.getByRole("button", { name: "Refresh needs the operator" });
    expect(await refresh.getAttribute("aria-disabled")).toBe("true");
    await visit("/tokens");
    await page.getByRole("heading", { name: "A viewer may look, not touch" }).waitFor();
  });

  test("a session that ended asks for a sign-in, and comes back to the same place", async () => {
    await using stage = await scene();
    const { page, standIn, visit } = stage;
    await visit("/connectors/prod-ap-1");
    await page.context().clearCookies();
    await page.reload();
    await page.getByLabel("Operator token").waitFor();
    await page.getByLabel("Operator token").fill(standIn.operator);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "prod-ap-1" }).waitFor();
  });
});
