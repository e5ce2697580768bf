import type { JSX } from "preact";
import type { Connector, Integration } from "../api/shapes.ts";
import { integrations } from "../fleet/fleet.ts";
import { integrationHref } from "../fleet/hrefs.ts";
import { stepRow, useKeys } from "../fleet/keys.ts";
import { now } from "../fleet/now.ts";
import { byNeed, countWords } from "../fleet/rows.ts";
import { samplesOf, samplesPath, withSilence } from "../fleet/samples.ts";
import { typeName } from "../words/names.ts";
import { Bars } from "../parts/bars.tsx";
import { Card } from "../parts/card.tsx";
import { Icon } from "../parts/icon.tsx";
import { StateWord } from "../parts/state-word.tsx";
import { ShortReason } from "./integration-row.tsx";

const SHOWN = 12;
const DAY_MS = 86_400_000;

function Row({ item }: { readonly item: Integration }): JSX.Element {
  const to = Math.ceil(now.peek() / 300_000) * 300_000;
  const day = withSilence(samplesOf(samplesPath(item)).value, item, to);
  return (
    <li>
      <StateWord state={item.state} />
      <span class="of-name">
        <a href={integrationHref(item)} data-row="">
          {item.name}
        </a>{" "}
        <span class="quiet">{typeName(item.type)}</span>
      </span>
      <span class="of-reason">
        <ShortReason item={item} />
      </span>
      <Bars samples={day} from={to - DAY_MS} to={to} width={140} label="Last 24 hours" />
    </li>
  );
}

/** Its integrations, what needs attention first; silence makes them unknown, not failed. */
export function ConnectorIntegrations({ connector }: { readonly connector: Connector }): JSX.Element | null {
  useKeys({ j: () => stepRow(1), k: () => stepRow(-1) });
  const items = integrations.value.filter((item) => item.connector === connector.name).sort(byNeed);
  if (items.length === 0)
    return connector.state === "never_connected" ? null : (
      <Card title="Integrations">
        <p class="quiet">No integration yet. Its configuration names none.</p>
      </Card>
    );
  const silent = connector.state === "unreachable";
  const title = silent
    ? `${items.length} integration${items.length === 1 ? "" : "s"}, all unknown`
    : "Integrations";
  const rest = items.length - SHOWN;
  return (
    <Card
      title={title}
      flush
      aside={silent ? "Shown as last known, not as failed" : countWords(connector.integrations)}
    >
      <ul class="of-connector">
        {items.slice(0, SHOWN).map((item) => (
          <Row key={item.name} item={item} />
        ))}
      </ul>
      {rest > 0 && (
        <a class="more" href={`/?connector=${encodeURIComponent(connector.name)}`}>
          <Icon name="right" />
          {rest} more, in the overview
        </a>
      )}
    </Card>
  );
}
