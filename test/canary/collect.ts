import { existsSync } from "node:fs";
import { join } from "node:path";
import { Browser, CHROMIUM, signIn } from "../e2e/browser.ts";
import { eventually, ran } from "../process/programs.ts";
import {
  answerOf,
  answersOf,
  type Chunks,
  domOf,
  eventsFrom,
  filesOf,
  type Names,
  printedBy,
  processesOf,
  storeOf,
  unknownErrorsOf,
} from "./channels.ts";
import { CRASHES } from "./crash.ts";
import { mistakesOf } from "./mistakes.ts";
import { CONNECTOR, type World } from "./world.ts";

interface List<Item> {
  readonly items: readonly Item[];
}

/** The page needs a browser, and to be built. */
export const PAGE_SKIPPED =
  CHROMIUM === undefined
    ? "no Chromium"
    : existsSync(new URL("../../dist/web/index.html", import.meta.url))
      ? ""
      : "the page is not built";

/** Looks at everything that the two programs let out, while they work and after they crashed. */
export async function collect(world: World): Promise<ReadonlyMap<string, Chunks>> {
  const { plane, agent } = world;
  const stopEvents = await eventsFrom(plane.url, plane.token);
  await allLookedAt(world);
  const pids = [plane.program.pid, agent.program.pid];
  const processes = [...(await processesOf(pids))];
  const found = new Map<string, Chunks>([
    ["commands of a user", await commandsOf(world)],
    ["mistakes", await mistakesOf(join(agent.dir, "mistakes"), world.values.mistaken)],
    ["DOM of the page", PAGE_SKIPPED === "" ? await pageOf(world) : []],
    ["answers of the API", await answersOf(plane.url, plane.token, await namesOf(world))],
    ["processes", [...processes, ...(await processesOf(pids))]],
    ["server-sent events", stopEvents()],
    ["metrics of the connector", await answerOf(`${agent.health}/metrics`)],
    ["metrics of the control plane", await answerOf(`${plane.own}/metrics`)],
    ["bytes of the store", await storeOf(join(plane.dir, "data"), "mooring.db")],
    ["files in --data", await filesOf(join(plane.dir, "data"), ["operator-token", "viewer-token"])],
    ["files in --state", await filesOf(agent.state, ["key.json"])],
  ]);
  const crashes = await crashesOf(world);
  return new Map<string, Chunks>([
    ...found,
    ["output of the connector", printedBy(...crashes.agents)],
    ["output of the control plane", printedBy(plane.program)],
    ["errors without a reason", unknownErrorsOf(crashes.agents.flatMap(({ log }) => log))],
    ["frames in both directions", world.recorder.frames()],
    ["crash reports", await filesOf(world.reports)],
  ]);
}

async function allLookedAt({ plane, integrations }: World): Promise<void> {
  const all = "/integrations?limit=500";
  const fits = ({ items }: List<{ state: string }>): boolean =>
    items.filter(({ state }) => state !== "unknown").length === integrations.length;
  await plane.until<List<{ state: string }>>(all, fits, 30_000);
}

async function commandsOf({ plane, agent, environment }: World): Promise<Chunks> {
  const file = agent.configuration;
  const toPlane = ["--control-plane", plane.url, "--state", agent.state];
  const lines = [
    ["check", file],
    ["check", file, "--json"],
    ["check", file, "--secrets"],
    ["check", file, "--secrets", "--json"],
    ["status", ...plane.flags],
    ["status", ...plane.flags, "--json"],
    ["doctor", file, ...toPlane],
    ["doctor", file, ...toPlane, "--json"],
    ["refresh", `${CONNECTOR}/pg-zz000`, ...plane.flags],
    ["test", `${CONNECTOR}/file-redirect`, ...plane.flags],
    ["test", `${CONNECTOR}/tls-names`, ...plane.flags, "--json"],
  ];
  const printed = lines.map(async (line) => [
    `\nmooring ${line.join(" ")}\n`,
    ...printedBy(await ran(line, environment)),
  ]);
  return (await Promise.all(printed)).flat();
}

async function pageOf({ plane }: World): Promise<Chunks> {
  await using browser = await Browser.open();
  const { page } = await browser.page(plane.url);
  await signIn(page, plane.url, plane.token);
  const chunks: Chunks[] = [];
  const views = ["file-redirect", "tls-names", "vault-forbidden"].map(
    (name) => `/integrations/${CONNECTOR}/${name}`,
  );
  for (const view of ["/", `/connectors/${CONNECTOR}`, ...views]) {
    await page.goto(`${plane.url}${view}`);
    await page
      .getByRole("heading", { level: view === "/" ? 1 : 2 })
      .first()
      .waitFor();
    chunks.push(await domOf(page));
  }
  return chunks.flat();
}

/** What the parameters in the API's paths may be. */
async function namesOf({ plane, integrations }: World): Promise<(path: string) => Names> {
  const idsOf = async (path: string): Promise<readonly string[]> =>
    (await plane.get<List<{ id: string }>>(path)).items.map(({ id }) => id);
  const command = await plane.api("POST", `/integrations/${CONNECTOR}/tls-names/refresh`);
  const { commandId } = (await command.json()) as { commandId: string };
  const secrets = await idsOf("/secrets?limit=500");
  return (path) => ({
    connector: [CONNECTOR],
    name: path.includes("{connector}") ? integrations : [CONNECTOR],
    id: path.includes("/secrets/") ? secrets : [commandId],
  });
}

/** The connector dies in each way and is started again; then the control plane dies. */
async function crashesOf({
  plane,
  agent,
  reports,
}: World): Promise<{ agents: readonly World["agent"]["program"][] }> {
  const agents = [agent.program];
  for (const [why, signal] of Object.entries(CRASHES)) {
    agent.program.signal(signal);
    const { code } = await agent.program.ended;
    if (code === 0) throw new Error(`the connector survived ${why}`);
    if (signal !== Object.values(CRASHES).at(-1)) {
      await agent.again();
      agents.push(agent.program);
    }
  }
  plane.program.signal("SIGUSR2");
  await plane.program.ended;
  await eventually("three reports", async () => (await filesOf(reports)).length === 4 || undefined);
  return { agents };
}
