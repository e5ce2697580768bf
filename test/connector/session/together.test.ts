import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { started } from "../../control-plane/started.ts";
import { refusedPort, silent } from "../../fake/targets.ts";
import { eventually, folder, loadLines, start } from "./harness.ts";

interface Shown {
  readonly name: string;
  readonly state: string;
  readonly reason: string | null;
}
interface Command {
  readonly state: string;
  readonly stages: readonly { readonly stage: string }[];
  readonly result: { readonly state?: string; readonly reason?: string } | null;
}

test("with the real control plane: enrolled, shown, refreshed, tested, bridged over a restart, and offline", async () => {
  await using place = await folder();
  await using up = await silent();
  await using down = await refusedPort();
  await using plane = await started({ timeScale: 0.1 });
  const made = await plane.api("POST", "/tokens", { connector: "prod-eu" });
  const { token } = (await made.json()) as { token: string };
  const joinTokenFile = join(place.path, "join");
  await writeFile(joinTokenFile, token);
  const file = join(place.path, "config");
  await writeFile(file, `up ${up.port}\ndown ${down.port}\n`);
  await using connector = await start(
    { url: plane.origin },
    {
      joinTokenFile,
      file,
      load: loadLines,
      timeScale: 0.1,
    },
  );
  await plane.until<{ state: string }>("/connectors/prod-eu", ({ state }) => state === "connected");
  const all = await plane.until<{ items: Shown[] }>(
    "/integrations",
    ({ items }) => items.length === 2 && items.every(({ state }) => state !== "unknown"),
  );
  expect(all.items.map(({ name, state, reason }) => `${name} ${state} ${reason}`).toSorted()).toEqual([
    "down error connection_refused",
    "up online null",
  ]);

  const command = async (path: string, body?: unknown): Promise<Command> => {
    const answer = await plane.api("POST", path, body);
    const { commandId } = (await answer.json()) as { commandId: string };
    const isOver = ({ state }: Command): boolean => ["succeeded", "failed", "expired"].includes(state);
    return plane.until<Command>(`/commands/${commandId}`, isOver);
  };
  expect(await command("/integrations/prod-eu/up/refresh")).toMatchObject({
    state: "succeeded",
    result: { state: "online" },
  });
  const tested = await command("/integrations/prod-eu/down/test");
  expect(tested).toMatchObject({ state: "succeeded", result: { reason: "connection_refused" } });
  expect(tested.stages.map(({ stage }) => stage)).toEqual(["resolve", "connect"]);
  expect((await command("/connectors/prod-eu/refresh")).state).toBe("succeeded");
  const unsaved = { name: "x", type: "tcp", config: { host: "169.254.169.254", port: 80 } };
  expect(await command("/connectors/prod-eu/test", unsaved)).toMatchObject({
    state: "succeeded",
    result: {
      state: "error",
      stage: "resolve",
      reason: "policy_forbidden",
      condition: "integration_unreachable",
    },
  });

  await writeFile(file, `up ${up.port}\n`);
  await plane.until<{ items: Shown[] }>("/integrations", ({ items }) => items.length === 1);
  await plane.restart();
  await eventually(() => connector.connector.link().state === "ready", 10_000);
  await plane.until<{ state: string }>("/connectors/prod-eu", ({ state }) => state === "connected");
  await connector.connector.drain("shutdown");
  await plane.until<{ state: string }>("/connectors/prod-eu", ({ state }) => state === "offline");
  expect(connector.lines.join("")).not.toContain(token);
  for (const kept of ["key.json", "enrolment.json"])
    expect(await readFile(join(connector.state, kept), "utf8")).not.toContain(token);
});
