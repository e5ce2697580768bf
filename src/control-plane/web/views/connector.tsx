import type { JSX } from "preact";
import type { Connector } from "../api/shapes.ts";
import { clock } from "../words/ages.ts";
import { connectorWord } from "../words/names.ts";
import { connectorTicket } from "../words/ticket.ts";
import { connectorNamed, gone, picture } from "../fleet/fleet.ts";
import { isRunning, outcomeWords, useGiven, type Given } from "../fleet/given.ts";
import { hasEnded } from "../fleet/commands.ts";
import { useKeys } from "../fleet/keys.ts";
import { refusal } from "../fleet/load.ts";
import { mayAct } from "../fleet/may-act.ts";
import { now } from "../fleet/now.ts";
import { Age, Moment, Standing } from "../parts/age.tsx";
import { CopyButton, useCopy } from "../parts/copy.tsx";
import { Crumbs, Heading } from "../parts/heading.tsx";
import { Icon } from "../parts/icon.tsx";
import { Loading, Refused } from "../parts/standing.tsx";
import { ConnectorWord } from "../parts/state-word.tsx";
import { ConnectorDiagnosis } from "./connector-diagnosis.tsx";
import { ConnectorEnd } from "./connector-end.tsx";
import { ConnectorFacts, NotKnown } from "./connector-facts.tsx";
import { ConnectorIntegrations } from "./connector-integrations.tsx";
import { whyResting } from "./integration-head.tsx";

function ConnectorStanding({ connector }: { readonly connector: Connector }): JSX.Element {
  return (
    <p class="standing">
      <ConnectorWord connector={connector} size={18} />
      <Standing since={connector.revokedAt ?? connector.since} />
      {connector.lastHeartbeatAt !== null && (
        <span>
          last heartbeat{" "}
          {connector.state === "connected" ? (
            <Age at={connector.lastHeartbeatAt} />
          ) : (
            <Moment at={connector.lastHeartbeatAt} />
          )}
        </span>
      )}
    </p>
  );
}

function Actions({
  connector,
  given,
}: {
  readonly connector: Connector;
  readonly given: Given;
}): JSX.Element {
  const running = isRunning(given);
  const resting = whyResting(connector, running);
  const refresh = (): void => {
    if (resting === null) given.give("refresh");
  };
  const ticket = (): string => connectorTicket(connector, location.href, now.peek());
  const [, copyTicket] = useCopy(ticket, "Ticket");
  const [, copyFirst] = useCopy(
    () => connector.remedy.find((step) => step.command !== null)?.command ?? "",
    "First command",
  );
  useKeys({ r: refresh, y: copyTicket, c: copyFirst });
  return (
    <div class="actions is-fixed">
      <CopyButton kind="button" label="Copy for a ticket" what="Ticket" icon="note" text={ticket} />
      {mayAct() && connector.state === "connected" && (
        <a class="button act-test" href={`/connectors/${encodeURIComponent(connector.name)}/test`}>
          <Icon name="play" />
          Test an integration
        </a>
      )}
      <button type="button" class="button is-main" aria-disabled={resting !== null} onClick={refresh}>
        <Icon name="refresh" />
        {running ? "Refreshing" : resting === null ? "Refresh all" : `Refresh ${resting}`}
        {resting === null && <kbd>r</kbd>}
      </button>
    </div>
  );
}

function RefreshNote({ given }: { readonly given: Given }): JSX.Element | null {
  const { running } = given;
  if (running === null) return null;
  const ended = running.command !== null && hasEnded(running.command) ? running.command : null;
  const words =
    running.problem === null
      ? ended === null
        ? "The connector looks at all of its integrations."
        : outcomeWords("refresh", ended)
      : `${running.problem.title}. ${running.problem.message}`;
  return <p class={running.problem === null ? "note" : "note is-refused"}>{words}</p>;
}

function Absent({ name }: { readonly name: string }): JSX.Element {
  const at = gone.value.get(name);
  if (picture.value !== "whole" && at === undefined)
    return refusal.value === null ? <Loading rows={5} /> : <Refused problem={refusal.value} />;
  return (
    <section class="card refused" aria-label="Removed">
      <h2>{at === undefined ? `No connector is called ${name}.` : `${name} was removed at ${clock(at)}.`}</h2>
      <p>
        See the <a href="/">overview</a> for those there are
        {mayAct() ? (
          <>
            , or <a href="/add">add a connector</a>
          </>
        ) : null}
        .
      </p>
    </section>
  );
}

/** One connector: whether it lives, what it was last seen to do, and its integrations. */
export function ConnectorView({ name }: { readonly name: string }): JSX.Element {
  const connector = connectorNamed(name);
  const given = useGiven(`/connectors/${encodeURIComponent(name)}`);
  const crumbs = <Crumbs steps={[["/", "Overview"]]} here={name} />;
  if (connector === undefined)
    return (
      <>
        {crumbs}
        <Heading title={name}>{name}</Heading>
        <Absent name={name} />
      </>
    );
  return (
    <>
      {crumbs}
      <div class="head">
        <div class="head-words">
          <div class="title-line">
            <Heading title={`${name}: ${connectorWord(connector)[0]}`}>{name}</Heading>
            <code class="code">connector</code>
          </div>
          <ConnectorStanding connector={connector} />
        </div>
        <Actions connector={connector} given={given} />
      </div>
      <RefreshNote given={given} />
      <div class="columns">
        <div class="main-column">
          <ConnectorDiagnosis connector={connector} />
          <ConnectorIntegrations connector={connector} />
        </div>
        <aside class="aside" aria-label="About this connector">
          <ConnectorFacts connector={connector} />
          <NotKnown connector={connector} />
          <ConnectorEnd connector={connector} />
        </aside>
      </div>
    </>
  );
}
