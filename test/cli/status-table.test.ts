import { describe, expect, test } from "vitest";
import type { Paint } from "../../src/cli/paint.ts";
import { codeOf, type ConnectorStatus } from "../../src/cli/status.ts";
import { table } from "../../src/cli/status-table.ts";

const plain: Paint = { good: String, gap: String, bad: String, quiet: String, strong: String };

function connector(wish: Partial<ConnectorStatus>): ConnectorStatus {
  return {
    ...{ name: "prod-eu", state: "connected", reason: null, message: "Connector prod-eu is well." },
    ...{ cause: null, since: null, lastHeartbeatAt: null, remedy: [] },
    integrations: { online: 0, warning: 0, error: 0, unknown: 0 },
    ...wish,
  };
}

const shown = (wish: Partial<ConnectorStatus>): [text: string, code: number] => {
  const picture = { connectors: [connector(wish)], integrations: [], secrets: [] };
  return [table(picture, plain), codeOf(picture)];
};

describe("a connector in mooring status", () => {
  test("that is well has one line", () => {
    expect(shown({})).toEqual(["✓ prod-eu  connected\n", 0]);
  });

  test("that refused its configuration says so, with the steps, and is not good", () => {
    const cause =
      "The configuration of connector prod-eu was refused, and the last good one is in use: /etc/mooring.yaml:3:5: integrations[0].intervall: is not known.";
    const remedy = [
      { text: "Check the file before it is rolled out.", command: "mooring check /etc/mooring.yaml" },
    ];
    expect(shown({ reason: "config_invalid", cause, remedy })).toEqual([
      `✓ prod-eu  connected\n  ! ${cause}\n    Check the file before it is rolled out.\n      mooring check /etc/mooring.yaml\n`,
      1,
    ]);
  });

  test("with another trouble shows the control plane's own steps", () => {
    const remedy = [{ text: "Let both follow the same time servers (NTP).", command: null }];
    const cause = "The clock of connector prod-eu is 2 min behind the control plane's.";
    expect(shown({ reason: "clock_skew", cause, remedy })).toEqual([
      `✓ prod-eu  connected\n  ! ${cause}\n    Let both follow the same time servers (NTP).\n`,
      1,
    ]);
  });

  test("that is away says what to do", () => {
    const message = "Connector prod-eu is disconnected.";
    expect(shown({ state: "disconnected", message })).toEqual([
      `✗ prod-eu  disconnected\n  ${message}\n    It connects again by itself. If it stays away: read its log, or run mooring doctor there.\n`,
      1,
    ]);
  });
});
