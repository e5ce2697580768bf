import type { JSX } from "preact";
import { computed } from "@preact/signals";
import { connectors, integrations, picture } from "../fleet/fleet.ts";
import { refusal } from "../fleet/load.ts";
import { session } from "../fleet/session.ts";
import { troublesOf, verdictOf } from "../fleet/troubles.ts";
import type { Knot } from "../words/stage-words.ts";
import { several } from "../words/names.ts";
import { Heading } from "../parts/heading.tsx";
import { Icon } from "../parts/icon.tsx";
import { MooringLine } from "../parts/mooring-line.tsx";
import { Loading, Refused } from "../parts/standing.tsx";
import { Attention } from "./attention.tsx";
import { FleetTable } from "./fleet-table.tsx";

const troubles = computed(() => troublesOf(connectors.value, integrations.value));
const verdict = computed(() => verdictOf(connectors.value, integrations.value));

const all = computed(() => {
  let online = 0;
  let total = 0;
  for (const { integrations: counts } of connectors.value) {
    online += counts.online;
    total += counts.online + counts.warning + counts.error + counts.unknown;
  }
  if (picture.value !== "whole") return { online, total };
  return {
    online: integrations.value.filter((item) => item.state === "online").length,
    total: integrations.value.length,
  };
});

function Counts(): JSX.Element {
  const { online, total } = all.value;
  const connected = connectors.value.filter((connector) => connector.state === "connected").length;
  return (
    <p class="lead">
      {online.toLocaleString("en")} of {several(total, "integration")} {total === 1 ? "is" : "are"} online.{" "}
      {connected} of {several(connectors.value.length, "connector")}{" "}
      {connectors.value.length === 1 ? "is" : "are"} connected.
    </p>
  );
}

function Actions(): JSX.Element | null {
  const who = session.value;
  if (who === null || who === "asking" || who.role !== "operator") return null;
  const first = connectors.value.find((connector) => connector.state === "connected");
  return (
    <div class="actions">
      {first !== undefined && (
        <a class="button" href={`/connectors/${encodeURIComponent(first.name)}/test`}>
          Test an integration
        </a>
      )}
      <a class="button is-main" href="/add">
        <Icon name="plus" />
        Add a connector
      </a>
    </div>
  );
}

const FIRST_STEPS: readonly (readonly [stage: string, word: string])[] = [
  ["join token", "made here, shown once"],
  ["install", "three commands in the cluster"],
  ["connected", "it opens the connection itself"],
];

/** What comes before there is anything to show. */
function First(): JSX.Element {
  const knots = FIRST_STEPS.map(([stage, word]): Knot => ({
    stage,
    shape: "hollow",
    rope: "slack",
    word,
    ms: null,
    fact: null,
  }));
  return (
    <section class="card first" aria-label="The first connector">
      <h2>From nothing to the first connector</h2>
      <MooringLine knots={knots} label="Steps" />
    </section>
  );
}

/** What is wrong, in the order of what it explains; then everything. */
export function Overview(): JSX.Element {
  if (picture.value === "loading")
    return (
      <>
        <Heading title="Overview">Overview</Heading>
        {refusal.value === null ? <Loading rows={8} /> : <Refused problem={refusal.value} />}
      </>
    );
  const errors = troubles.value.filter((trouble) => trouble.weight === "error").length;
  const none = connectors.value.length === 0;
  return (
    <>
      <div class="head">
        <div class="head-words">
          <Heading title={`${errors > 0 ? `(${errors}) ` : ""}Overview`}>{verdict.value}</Heading>
          {none ? (
            <p class="lead">A connector proves from inside a cluster that its integrations work.</p>
          ) : (
            <Counts />
          )}
        </div>
        <Actions />
      </div>
      {troubles.value.length > 0 && <Attention troubles={troubles.value} />}
      {none ? <First /> : <FleetTable />}
    </>
  );
}
