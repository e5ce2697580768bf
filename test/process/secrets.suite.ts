import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { httpServer, type Target } from "../fake/targets.ts";
import { Agent, eventually, Plane, ran, type ShownIntegration } from "./programs.ts";

interface ShownSecret {
  readonly id: string;
  readonly state: string;
  readonly reason: string | null;
  readonly message: string;
  readonly usedBy: readonly string[];
  readonly lastReadAt: string | null;
}

describe.concurrent("secrets as things of their own", () => {
  const parts = new AsyncDisposableStack();
  let plane: Plane;
  let agent: Agent;
  let target: Target;
  let logins: string[] = [];

  const write = async (text: string): Promise<void> => {
    await writeFile(join(agent.dir, "token.new"), text);
    await rename(join(agent.dir, "token.new"), join(agent.dir, "token"));
  };
  const integration = (name: string) => ({
    name,
    type: "http",
    interval: "24h",
    config: { url: `http://127.0.0.1:${target.port}/${name}` },
    secret: { store: "tokens", path: "token" },
  });
  const secretIs = (fits: (secret: ShownSecret) => boolean): Promise<{ items: ShownSecret[] }> =>
    plane.until("/secrets?connector=prod", ({ items: [one] }) => one !== undefined && fits(one));

  beforeAll(async () => {
    target = parts.use(
      await httpServer((request, response) => {
        logins.push(request.headers.authorization ?? "");
        response.writeHead(request.headers.authorization === "Bearer canary-good" ? 200 : 401).end();
      }),
    );
    plane = parts.use(await Plane.start());
    agent = parts.use(
      await Agent.of(plane, "prod", {
        integrations: [integration("a"), integration("b")],
        secretStores: [{ name: "tokens", type: "file", config: { reread: "1s" } }],
      }),
    );
    await plane.until<ShownIntegration>("/integrations/prod/b", ({ state }) => state === "error");
  });
  afterAll(() => parts.disposeAsync());

  test("one that fails is one trouble of all that need it, and mends them when it comes back", async () => {
    const { items } = await secretIs(({ reason }) => reason === "secret_not_found");
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({ usedBy: ["a", "b"], message: "Secret token is unreachable." });
    const blocked = await plane.integration("prod/a");
    expect(blocked.blockedBy).toEqual({ kind: "secret", id: items[0]?.id });
    const summary = await plane.get<{ troubles: { kind: string; explains: number }[] }>("/summary");
    expect(summary.troubles).toMatchObject([{ kind: "secret", explains: 2 }]);
    expect((await ran(["status", ...plane.flags])).stdout).toMatch(
      /✗ token +error +tokens {2}needed by 2 integrations {2}Secret token is unreachable\. secret_not_found\n/,
    );

    // Its integrations are due in a day: they are looked at because it changed.
    await write("canary-good");
    await plane.until<ShownIntegration>("/integrations/prod/b", ({ state }) => state === "online");
    await secretIs(({ state, lastReadAt }) => state === "online" && lastReadAt !== null);

    // What the target does not take is invalid; it is tried once for each integration, and not again.
    logins = [];
    await write("canary-bad");
    await secretIs(({ reason }) => reason === "credentials_rejected");
    await plane.until<ShownIntegration>("/integrations/prod/b", ({ state }) => state === "error");
    await write("canary-good");
    await secretIs(({ state }) => state === "online");
    expect(logins.filter((login) => login === "Bearer canary-bad").length).toBeLessThanOrEqual(2);

    const seen = await eventually("the log", () => agent.program.stdout || undefined);
    expect(`${seen}${JSON.stringify(await plane.get("/secrets"))}`).not.toMatch(/canary-(good|bad)/);
    expect(seen).toContain("Secret token is unreachable.");
  });
});
