import type { JSX } from "preact";
import { clock } from "../words/ages.ts";
import { connectorNamed, gone, integrationNamed, picture } from "../fleet/fleet.ts";
import { connectorHref } from "../fleet/hrefs.ts";
import { refusal } from "../fleet/load.ts";
import { useFresh } from "../fleet/fresh.ts";
import { useGiven } from "../fleet/given.ts";
import { useTransitions } from "../fleet/transitions.ts";
import { STATE_WORDS } from "../words/names.ts";
import { Crumbs, Heading } from "../parts/heading.tsx";
import { Loading, Refused } from "../parts/standing.tsx";
import { Diagnosis } from "./diagnosis.tsx";
import { Facts, NotProven, WaitsForThis } from "./integration-aside.tsx";
import { IntegrationActions, IntegrationStanding } from "./integration-head.tsx";
import { Saw } from "./saw.tsx";
import { Day } from "./day.tsx";
import { TestResult } from "./test-result.tsx";

interface IntegrationViewProps {
  readonly connector: string;
  readonly name: string;
}

function Absent({ connector, name }: IntegrationViewProps): JSX.Element {
  const at = gone.value.get(`${connector}/${name}`);
  if (picture.value !== "whole" && at === undefined && connectorNamed(connector) === undefined)
    return refusal.value === null ? <Loading rows={5} /> : <Refused problem={refusal.value} />;
  if (picture.value !== "whole" && at === undefined) return <Loading rows={5} />;
  return (
    <section class="card refused" aria-label="Removed">
      <h2>
        {at === undefined
          ? `${connector} has no integration ${name}.`
          : `${name} was removed at ${clock(at)}.`}
      </h2>
      <p>
        Its connector no longer has it in its configuration. See{" "}
        <a href={connectorHref(connector)}>{connector}</a> for what it has.
      </p>
    </section>
  );
}

/** One integration: what broke, why, where, what to type, what waits for it. */
export function IntegrationView({ connector, name }: IntegrationViewProps): JSX.Element {
  const item = integrationNamed(`${connector}/${name}`);
  useFresh([{ id: `${connector}/${name}` }]);
  const transitions = useTransitions(item);
  const given = useGiven(`/integrations/${encodeURIComponent(connector)}/${encodeURIComponent(name)}`);
  const crumbs = (
    <Crumbs
      steps={[
        ["/", "Overview"],
        [connectorHref(connector), connector],
      ]}
      here={name}
    />
  );
  if (item === undefined)
    return (
      <>
        {crumbs}
        <Heading title={name}>{name}</Heading>
        <Absent connector={connector} name={name} />
      </>
    );
  const owner = connectorNamed(connector);
  return (
    <>
      {crumbs}
      <div class="head">
        <div class="head-words">
          <div class="title-line">
            <Heading title={`${item.state === "error" ? "(1) " : ""}${name}: ${STATE_WORDS[item.state]}`}>
              {name}
            </Heading>
            <code class="code">{item.address}</code>
          </div>
          <IntegrationStanding item={item} />
        </div>
        <IntegrationActions item={item} owner={owner} given={given} />
      </div>
      <div class="columns">
        <div class="main-column">
          <TestResult given={given} path={item.path} />
          <Diagnosis item={item} given={given} transitions={transitions} />
          {item.findings.length > 0 && <Saw findings={item.findings} from={connector} at={item.checkedAt} />}
          <Day item={item} transitions={transitions} />
        </div>
        <aside class="aside" aria-label="About this integration">
          <WaitsForThis item={item} />
          <Facts item={item} owner={owner} />
          <NotProven lines={item.coverage} />
        </aside>
      </div>
    </>
  );
}
