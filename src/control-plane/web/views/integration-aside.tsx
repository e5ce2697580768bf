import type { ComponentChildren, JSX } from "preact";
import type { Connector, Integration } from "../api/shapes.ts";
import { secretOf } from "../fleet/fleet.ts";
import { connectorHref, integrationHref, secretHref } from "../fleet/hrefs.ts";
import { typeName } from "../words/names.ts";
import { Age, Moment } from "../parts/age.tsx";
import { Card } from "../parts/card.tsx";
import { Mark } from "../parts/mark.tsx";
import { ConnectorWord } from "../parts/state-word.tsx";

const BLOCKED_WORDS: Readonly<Record<string, readonly [title: string, text: string]>> = {
  discover: ["Discovery is blocked", "What was read last is kept."],
  grant: ["Grants wait", "They are tried again when it is back."],
  revoke: ["Revokes wait", "They are kept until they are done."],
};

/** What cannot go on while this does not work. */
export function WaitsForThis({ item }: { readonly item: Integration }): JSX.Element | null {
  const stages = item.state === "error" ? item.path.filter((stage) => stage !== item.stage) : [];
  const words = stages.flatMap((stage) => (BLOCKED_WORDS[stage] === undefined ? [] : [BLOCKED_WORDS[stage]]));
  if (words.length + item.blocks.length === 0) return null;
  return (
    <Card title="Waits for this">
      <ul class="waits">
        {words.map(([title, text]) => (
          <li key={title}>
            <Mark shape="blocked" />
            <div>
              <b>{title}</b>
              <p>{text}</p>
            </div>
          </li>
        ))}
        {item.blocks.map((name) => (
          <li key={name}>
            <Mark shape="blocked" />
            <div>
              <a href={integrationHref({ connector: item.connector, name })}>{name}</a>
            </div>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Fact({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

const SOURCES: Readonly<Record<string, string>> = {
  file: "the connector's file",
  crd: "an Integration resource",
  remote: "the control plane",
};

/** Where it stands and how it is looked at. */
export function Facts({
  item,
  owner,
}: {
  readonly item: Integration;
  readonly owner: Connector | undefined;
}): JSX.Element {
  const secret = secretOf(item);
  return (
    <Card title="Facts">
      <dl class="facts">
        <Fact name="Connector">
          <a href={connectorHref(item.connector)}>{item.connector}</a>
          {owner !== undefined && (
            <small>
              <ConnectorWord connector={owner} size={14} />
              {owner.lastHeartbeatAt !== null && (
                <span class="faint">
                  heard <Age at={owner.lastHeartbeatAt} />
                </span>
              )}
            </small>
          )}
        </Fact>
        <Fact name="Type">{typeName(item.type)}</Fact>
        {secret !== undefined && (
          <Fact name="Secret">
            <a class="mono" href={secretHref(secret)}>
              {secret.name}
            </a>
          </Fact>
        )}
        {item.checkedAt !== null && (
          <Fact name="Last look">
            <Moment at={item.checkedAt} />
          </Fact>
        )}
        <Fact name="Defined in">{SOURCES[item.source] ?? item.source}</Fact>
      </dl>
    </Card>
  );
}

/** What a pass leaves open. */
export function NotProven({ lines }: { readonly lines: readonly string[] }): JSX.Element | null {
  if (lines.length === 0) return null;
  return (
    <Card title="What a pass would not prove">
      <ul class="plain-list">
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </Card>
  );
}
