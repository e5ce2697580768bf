import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Report, StageResult } from "../protocol/report.ts";
import { type Api, API_FLAGS, apiOf } from "./api.ts";
import { type Command, type Given, Refused, UsageError } from "./command.ts";
import { letter, stageLine } from "./letter.ts";
import { paintFor } from "./paint.ts";
import { codeOf, type ConnectorStatus, known, lookAt, placeOf } from "./status.ts";
import { table } from "./status-table.ts";

/** A command as the API shows it. */
interface CommandStatus {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly reason?: string | null;
  readonly createdAt: string;
  readonly deadlineAt: string;
  readonly stages: readonly StageResult[];
  readonly result: Report | readonly Report[] | null;
}

const FLAGS = { ...API_FLAGS, json: { says: "print the command's end as JSON" } };
const ENDED = new Set(["succeeded", "failed", "expired", "cancelled", "unknown"]);
const BETWEEN_LOOKS_MS = 200;
/** Longer than the control plane keeps a command alive, so that its own verdict comes first. */
const LONGEST_MS = 180_000;

export const refresh: Command = {
  name: "refresh",
  usage: "refresh CONNECTOR[/INTEGRATION] [--json]",
  says: "Has the connector look now, and shows the stages as they pass. The outcome counts.",
  flags: FLAGS,
  args: [1, 1],
  run: (given) => order("refresh", given),
};

export const test: Command = {
  name: "test",
  usage: "test CONNECTOR/INTEGRATION [--json]",
  says: "Has the connector walk every stage right now, and shows them as they pass. Nothing is stored.",
  flags: FLAGS,
  args: [1, 1],
  run: (given) => order("test", given),
};

async function order(verb: "refresh" | "test", given: Given): Promise<number> {
  const api = await apiOf(verb, given);
  const { connector = "", integration } = placeOf(verb, given.args[0]);
  if (verb === "test" && integration === undefined) {
    throw new UsageError(`mooring test: "${connector}" names no integration; write CONNECTOR/INTEGRATION`);
  }
  const path =
    integration === undefined
      ? `/api/v1/connectors/${encodeURIComponent(connector)}/refresh`
      : `/api/v1/integrations/${encodeURIComponent(connector)}/${encodeURIComponent(integration)}/${verb}`;
  const place =
    integration === undefined ? `connector ${connector}` : `integration ${connector}/${integration}`;
  const { commandId } = (await known(api.post(path), place)) as { commandId: string };
  const json = given.isSet("json");
  await tellWaiting(api, connector, commandId);
  // The stages of a whole connector are those of many integrations: only what they came to says something.
  const ended = await follow(api, commandId, json || integration === undefined);
  const code = tell(ended, json);
  if (integration !== undefined || code !== 0) return code;
  const picture = await lookAt(api, { connector });
  if (!json) process.stdout.write(table(picture, paintFor(process.stdout, process.env)));
  return codeOf(picture);
}

/** Says how long it may take where the connector is not there to take it. */
async function tellWaiting(api: Api, connector: string, id: string): Promise<void> {
  const { state } = (await api.get(`/api/v1/connectors/${encodeURIComponent(connector)}`)) as ConnectorStatus;
  if (state === "connected") return;
  const { createdAt, deadlineAt } = await commandOf(api, id);
  const seconds = Math.ceil((Date.parse(deadlineAt) - Date.parse(createdAt)) / 1000);
  const words = state === "never_connected" ? "has never connected" : `is ${state}`;
  process.stderr.write(`${connector} ${words}: the command waits up to ${seconds} s for it.\n`);
}

async function commandOf(api: Api, id: string): Promise<CommandStatus> {
  return (await api.get(`/api/v1/commands/${encodeURIComponent(id)}`)) as CommandStatus;
}

/** Looks until the command has ended; each new stage is printed when it is seen. */
async function follow(api: Api, id: string, quiet: boolean): Promise<CommandStatus> {
  const paint = paintFor(process.stdout, process.env);
  const deadline = performance.now() + LONGEST_MS;
  let shown = 0;
  for (;;) {
    const command = await commandOf(api, id);
    if (!quiet)
      for (const stage of command.stages.slice(shown)) process.stdout.write(`${stageLine(stage, paint)}\n`);
    shown = Math.max(shown, command.stages.length);
    if (ENDED.has(command.state)) return command;
    if (performance.now() > deadline) throw new Refused(`The command ${id} has not ended after 3 minutes.`);
    await sleep(BETWEEN_LOOKS_MS);
  }
}

function tell(command: CommandStatus, json: boolean): number {
  const reports = command.result === null ? [] : [command.result].flat();
  if (json) process.stdout.write(`${JSON.stringify(command, null, 2)}\n`);
  else {
    const paint = paintFor(process.stdout, process.env);
    if (command.stages.length > 0 && reports.length > 0) process.stdout.write("\n");
    process.stdout.write(reports.map((one) => letter(one, paint)).join(""));
    if (command.state !== "succeeded") process.stdout.write(endWords(command));
  }
  const well = reports.every(({ state }) => state === "online" || state === "warning");
  return command.state === "succeeded" && well ? 0 : 1;
}

function endWords({ state, reason = null }: CommandStatus): string {
  if (state === "expired" && reason === "request_expired")
    return "The command expired: the connector did not take it in time; mooring status says where it is.\n";
  return `The command ended as ${state}${reason === null ? "" : ` (${reason})`}.\n`;
}
