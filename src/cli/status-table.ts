import { printable, printableLine } from "../protocol/words.ts";
import type { Paint } from "./paint.ts";
import type { ConnectorStatus, IntegrationStatus, Picture, SecretStatus } from "./status.ts";

type Kind = "good" | "gap" | "bad" | "quiet";
const MARKS: Readonly<Record<string, readonly [mark: string, kind: Kind]>> = {
  online: ["✓", "good"],
  connected: ["✓", "good"],
  warning: ["!", "gap"],
  stale: ["!", "gap"],
  restarting: ["!", "gap"],
  error: ["✗", "bad"],
  unreachable: ["✗", "bad"],
  disconnected: ["✗", "bad"],
};

function mark(state: string, paint: Paint): string {
  const [sign, kind] = MARKS[state] ?? ["?", "quiet"];
  return paint[kind](sign);
}

/** Connectors with their integrations, a line each. */
export function table({ connectors, integrations, secrets }: Picture, paint: Paint): string {
  if (connectors.length === 0)
    return "No connector yet. mooring token create NAME makes a join token for one.\n";
  return connectors
    .map((connector) => {
      const heard =
        connector.lastHeartbeatAt === null ? "" : paint.quiet(`  last heard ${connector.lastHeartbeatAt}`);
      const head = `${mark(connector.state, paint)} ${paint.strong(connector.name)}  ${connector.state}${heard}`;
      const isWell = connector.state === "connected" && connector.reason === null;
      const trouble = isWell ? [] : connectorLines(connector, paint);
      const own = integrations
        .filter((one) => one.connector === connector.name)
        .map((one) => row(one, paint));
      // A secret is worth a line where something is wrong with it: the others are behind their integrations.
      const sick = secrets
        .filter(
          (one) => one.connector === connector.name && one.state !== "online" && one.state !== "unknown",
        )
        .map((one) => secretRow(one, paint));
      return `${[head, ...trouble, ...own, ...sick].join("\n")}\n`;
    })
    .join("\n");
}

/** What is wrong with a connector, and what to do. */
function connectorLines(connector: ConnectorStatus, paint: Paint): string[] {
  const { state, message, cause } = connector;
  const isHere = state === "connected";
  const said = isHere
    ? [`  ${paint.gap("!")} ${printableLine(cause ?? message)}`]
    : [`  ${message}`, ...(cause === null ? [] : [`  ${printableLine(cause)}`])];
  const steps = stepsOf(connector).map(
    ({ text, command }) => `    ${text}${command === null ? "" : `\n      ${paint.strong(command)}`}`,
  );
  return [...said, ...steps];
}

/** What to do where the control plane names nothing. */
const HINTS: Readonly<Record<string, string>> = {
  disconnected: "It connects again by itself. If it stays away: read its log, or run mooring doctor there.",
  restarting: "It comes back by itself. If it stays away: read its log, or run mooring doctor there.",
  offline: "Start it again, if it is meant to run.",
};

function stepsOf({ state, remedy }: ConnectorStatus): ConnectorStatus["remedy"] {
  const hint = HINTS[state];
  return remedy.length > 0 || hint === undefined ? remedy : [{ text: hint, command: null }];
}

function secretRow(one: SecretStatus, paint: Paint): string {
  const needed = `needed by ${one.users} ${one.users === 1 ? "integration" : "integrations"}`;
  const why = `${one.message}${one.reason === null ? "" : paint.quiet(` ${one.reason}`)}`;
  return `  ${mark(one.state, paint)} ${printable(one.name, 60).padEnd(24)} ${one.state.padEnd(8)} ${paint.quiet(`${one.store}  ${needed}`)}  ${why}`;
}

function row(one: IntegrationStatus, paint: Paint): string {
  const name = one.name.padEnd(24);
  const state = one.state.padEnd(8);
  const why =
    one.state === "online"
      ? ""
      : `  ${one.message}${one.reason === null ? "" : paint.quiet(` ${one.reason}`)}`;
  return `  ${mark(one.state, paint)} ${name} ${state} ${paint.quiet(printable(one.address, 60))}${why}`;
}
