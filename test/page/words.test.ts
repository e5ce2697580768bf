import { describe, expect, test } from "vitest";
import type { Connector, Integration } from "../../src/control-plane/web/api/shapes.ts";
import { readEvents } from "../../src/control-plane/web/api/event-stream.ts";
import { filterOf, searchOf } from "../../src/control-plane/web/fleet/filter.ts";
import { groupsOf, linesOf } from "../../src/control-plane/web/fleet/rows.ts";
import { troublesOf, verdictOf } from "../../src/control-plane/web/fleet/troubles.ts";
import { recoveryWords } from "../../src/control-plane/web/fleet/transitions.ts";
import { exactSpan, span, withTimes } from "../../src/control-plane/web/words/ages.ts";
import { itemOf, missingIn, yamlOf } from "../../src/control-plane/web/words/draft.ts";
import { culpritOf, offerIn } from "../../src/control-plane/web/words/draft-offer.ts";
import { installSteps } from "../../src/control-plane/web/words/install.ts";
import { reasonWords } from "../../src/control-plane/web/words/names.ts";
import { failedWord, knotsOf, runningKnots } from "../../src/control-plane/web/words/stage-words.ts";
import { integrationTicket } from "../../src/control-plane/web/words/ticket.ts";
import { makeWorld } from "../e2e/fixtures.ts";

const world = makeWorld(226);
const connectors: readonly Connector[] = [...world.connectors.values()];
const integrations: readonly Integration[] = [...world.integrations.values()];

function known(key: string): Integration {
  const item = world.integrations.get(key);
  if (item === undefined) throw new Error(key);
  return item;
}

describe("troubles", () => {
  test("one trouble, one sentence: connectors first, a secret once, nothing of what is unknown", () => {
    const troubles = troublesOf(connectors, integrations);
    expect(troubles.map((trouble) => trouble.message)).toEqual([
      "Connector prod-us-2 is unreachable.",
      "Integration orders-db is unreachable.",
      "Secret payments/stripe-live is invalid.",
      "Discovery of resources failed.",
      "Integration edge-tls works, with a gap.",
    ]);
    expect(troubles[2]?.cause).toContain("Blocks stripe-api and stripe-webhooks.");
    expect(troubles[3]?.about).toBe("warehouse");
  });

  test("the verdict is a sentence for every standing", () => {
    const online = integrations.filter((item) => item.state === "online");
    const calm = connectors.filter((connector) => connector.state === "connected");
    expect(verdictOf(connectors, integrations)).toBe(
      "1 connector is unreachable. 3 integrations are in error.",
    );
    expect(verdictOf(calm, online)).toBe(`All ${online.length} integrations are online.`);
    expect(
      verdictOf(
        calm,
        integrations.filter((item) => item.state === "warning"),
      ),
    ).toBe("2 integrations work, with a gap.");
    expect(verdictOf([], [])).toBe("No connector yet.");
    expect(verdictOf(calm, [])).toBe("No integration yet.");
  });
});

describe("the table", () => {
  test("what is well folds, what needs attention stands, a filter unfolds", () => {
    const filter = filterOf("");
    const lines = linesOf(groupsOf(integrations, connectors, filter, true), new Map(), false);
    expect(lines.slice(0, 5).map((line) => line.id)).toEqual([
      "group prod-eu-1",
      "prod-eu-1/orders-db",
      "prod-eu-1/edge-tls",
      "prod-eu-1/warehouse",
      "fold prod-eu-1 online",
    ]);
    expect(lines.at(-1)).toMatchObject({
      kind: "fold",
      text: expect.stringMatching(/^3 more connectors, all connected: \d+ online$/),
    });
    const errors = filterOf("?state=error&group=reason");
    const shown = integrations.filter((item) => item.state === "error");
    expect(
      linesOf(groupsOf(shown, connectors, errors, false), new Map(), true).filter(
        (line) => line.kind === "row",
      ),
    ).toHaveLength(3);
  });

  test("the address holds the filter, and odd words in it do no harm", () => {
    for (const search of [
      "",
      "?state=error,unknown&type=postgresql&q=ord&group=reason",
      "?connector=prod-eu-1",
    ])
      expect(searchOf(filterOf(search))).toBe(search);
    expect(filterOf("?state=up,error&group=colour")).toMatchObject({ states: ["error"], group: "connector" });
  });
});

describe("words", () => {
  test("spans", () => {
    expect([6200, 8 * 60_000, 4 * 3_600_000, 3 * 86_400_000].map(span)).toEqual([
      "6 s",
      "8 min",
      "4 h",
      "3 d",
    ]);
    expect([584_000, 0, 7_500_000, 3_600_000].map(exactSpan)).toEqual([
      "9 min 44 s",
      "0 s",
      "2 h 5 min",
      "1 h",
    ]);
  });

  test("what was seen, from the reason", () => {
    expect(
      [
        "connection_refused",
        "connect_timeout",
        "credentials_rejected",
        "dns_not_found",
        "secret_field_missing",
        "x",
      ].map(failedWord),
    ).toEqual(["refused", "timed out", "rejected", "not found", "missing", "failed"]);
    expect(reasonWords("connect", "connection_refused")).toBe("connect: connection refused");
    expect(reasonWords("discover", "discovery_forbidden")).toBe("discover: forbidden");
    expect(reasonWords("secret", "secret_field_empty")).toBe("secret: field empty");
  });

  test("the line: taut, frayed, slack, blocked; unknown is never a failure", () => {
    expect(knotsOf(known("prod-eu-1/orders-db")).map((knot) => knot.rope)).toEqual([
      "taut",
      "frayed",
      "slack",
      "slack",
      "slack",
      "slack",
      "slack",
      "slack",
    ]);
    expect(knotsOf(known("prod-eu-1/orders-db")).at(-1)?.shape).toBe("blocked");
    const unknown = integrations.find((item) => item.state === "unknown");
    expect(new Set(unknown === undefined ? [] : knotsOf(unknown).map((knot) => knot.shape))).toEqual(
      new Set(["unseen"]),
    );
    expect(
      runningKnots(["resolve", "connect", "tls"], [{ stage: "resolve", ok: true, ms: 1 }]).map(
        (knot) => knot.word,
      ),
    ).toEqual(["passed", "running", "next"]);
  });

  test("a ticket has everything, and a command of it can be pasted", () => {
    const ticket = integrationTicket(known("prod-eu-1/orders-db"), "https://m.example/x", 0);
    for (const part of [
      "## Integration orders-db is unreachable.",
      "| resolve | passed",
      "not checked",
      "   kubectl -n data describe pod orders-db-1\n",
      "As of 1970-01-01T00:00:00.000Z: https://m.example/x",
    ])
      expect(ticket).toContain(part);
  });

  test("the install commands name what is, and never hold a token", () => {
    const names = {
      connector: "prod-us-3",
      controlPlane: "https://m.example",
      chart: "oci://r/c",
      version: "1.4.2",
    };
    expect(installSteps(names).at(-1)?.command).toBe(
      "helm upgrade --install mooring oci://r/c --version 1.4.2 -n mooring --set controlPlane.url=wss://m.example --set controlPlane.connectorName=prod-us-3 --set controlPlane.auth.existingSecret.name=mooring-join --wait",
    );
    expect(installSteps({ ...names, chart: null }).at(-1)?.command).toBe(
      "npx mooring connector mooring.yaml --control-plane https://m.example --join-token-file join-token --state ./prod-us-3",
    );
  });
});

test("the times of a sentence are written as the page writes times", () => {
  const now = Date.parse("2026-11-22T09:00:00Z");
  expect(withTimes("Revoked at 2026-11-22T08:45:43.652Z.", now)).toBe("Revoked at 08:45:43 UTC.");
  expect(withTimes("Since 2026-11-18T22:40:00Z", now)).toBe("Since 18 Nov 22:40 UTC");
});

test("a recovery is a sentence, for a day", () => {
  const change = (at: string, from: "error" | "online", to: "error" | "online") => ({
    at,
    from,
    to,
    condition: null,
    stage: null,
    reason: null,
    message: "",
    observed: "event",
  });
  const list = [
    change("2026-11-22T03:14:02Z", "error", "online"),
    change("2026-11-22T03:04:18Z", "online", "error"),
  ];
  const now = Date.parse("2026-11-22T04:00:00Z");
  expect(recoveryWords(list, now)).toBe("Online again at 03:14:02, after 9 min 44 s.");
  expect(recoveryWords(list, now + 86_400_000)).toBeNull();
  expect(recoveryWords(list.slice(1), now)).toBeNull();
});

describe("the form", () => {
  const draft = {
    type: "postgresql",
    name: "billing-db",
    "config.host": "b.svc",
    "config.database": "yes",
    "secret.store": "kubernetes",
    "secret.namespace": "billing",
    "secret.name": "app",
    "secret.fields.username": "user",
  };

  test("makes an item and its YAML", () => {
    expect(itemOf(draft)).toEqual({
      name: "billing-db",
      type: "postgresql",
      config: { host: "b.svc", port: 5432, database: "yes", tls: { mode: "verify" } },
      secret: { store: "kubernetes", namespace: "billing", name: "app", fields: { username: "user" } },
    });
    expect(yamlOf(itemOf(draft), 1)).toContain(
      '- name: billing-db\n  type: postgresql\n  config:\n    host: b.svc\n    port: 5432\n    database: "yes"\n    tls: {mode: verify}',
    );
    expect(itemOf({ ...draft, type: "tcp" })).toEqual({
      name: "billing-db",
      type: "tcp",
      config: { host: "b.svc" },
    });
  });

  test("says of each field that is missing whose it is", () => {
    const missing = [...missingIn({ type: "postgresql", "secret.store": "kubernetes" }).values()];
    expect(missing).toContain("The integration needs a name.");
    expect(missing).toContain("The secret's name is needed.");
    expect(new Set(missing).size).toBe(missing.length);
  });

  test("offers what the remedy knows, and marks the field", () => {
    const base = known("prod-eu-1/orders-db");
    const remedy = [
      {
        text: "Add the field password to the secret, or map it: set secret.fields.password of billing-db to pass.",
        command: null,
      },
    ];
    expect(offerIn({ ...base, remedy })).toEqual({
      label: "Use “pass” as password",
      path: "secret.fields.password",
      value: "pass",
    });
    expect(culpritOf(base, draft)).toBe("config.port");
    // The policy that forbids a target is no fault of the secret's name; one that forbids the secret is.
    const forbidden = { ...base, reason: "policy_forbidden" };
    expect(culpritOf({ ...forbidden, stage: "resolve" }, draft)).toBeNull();
    expect(culpritOf({ ...forbidden, stage: "secret" }, draft)).toBe("secret.name");
  });
});

test("events are read over any cut of the bytes", async () => {
  const text =
    ': hello\n\nid: a:1\nevent: connector\ndata: {"name":"é"}\n\nid: a:2\r\nevent: x\r\ndata: 1\r\ndata: 2\r\n\r\n';
  const bytes = new TextEncoder().encode(text);
  for (const size of [1, 3, 7, 1000]) {
    const body = new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
        controller.close();
      },
    });
    const events = [];
    for await (const event of readEvents(body, () => {})) events.push(event);
    expect(events).toEqual([
      { name: "connector", data: '{"name":"é"}', id: "a:1" },
      { name: "x", data: "1\n2", id: "a:2" },
    ]);
  }
});
