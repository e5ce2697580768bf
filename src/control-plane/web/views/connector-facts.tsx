import type { JSX } from "preact";
import type { Connector } from "../api/shapes.ts";
import { connectors } from "../fleet/fleet.ts";
import { several } from "../words/names.ts";
import { Moment } from "../parts/age.tsx";
import { Card } from "../parts/card.tsx";
import { Breakable } from "../parts/sentence.tsx";

/** The version that most others have, where this one differs. */
function elsewhere(connector: Connector): string | null {
  const counts = new Map<string, number>();
  for (const other of connectors.value)
    if (other.version !== null && other.name !== connector.name)
      counts.set(other.version, (counts.get(other.version) ?? 0) + 1);
  const [most] = [...counts].sort((a, b) => b[1] - a[1]);
  return most === undefined || most[0] === connector.version ? null : most[0];
}

const INSTALLS: Readonly<Record<string, string>> = {
  helm: "Helm release",
  manifest: "manifests",
  process: "a plain process",
};

/** What the control plane knows about it. */
export function ConnectorFacts({ connector }: { readonly connector: Connector }): JSX.Element {
  const other = elsewhere(connector);
  const { install } = connector;
  const facts: (readonly [string, JSX.Element])[] = [];
  if (connector.version !== null)
    facts.push([
      "Version",
      <>
        {connector.version}
        {other !== null && <span class="quiet"> ({other} elsewhere)</span>}
      </>,
    ]);
  if (connector.lastHeartbeatAt !== null)
    facts.push(["Last heartbeat", <Moment at={connector.lastHeartbeatAt} />]);
  if (install !== null) {
    facts.push(["Installed as", <>{INSTALLS[install.kind] ?? install.kind}</>]);
    if (install.namespace !== null) facts.push(["Namespace", <span class="mono">{install.namespace}</span>]);
    if (install.release !== null) facts.push(["Release", <span class="mono">{install.release}</span>]);
    if (install.name !== null)
      facts.push([
        install.kind === "process" ? "Host" : "Pod",
        <span class="mono">
          <Breakable text={install.name} />
        </span>,
      ]);
  }
  facts.push([
    "Identity",
    <span class="mono">
      <Breakable text={connector.id} />
    </span>,
  ]);
  return (
    <Card title="What is known">
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}

/** What silence leaves open. */
export function NotKnown({ connector }: { readonly connector: Connector }): JSX.Element | null {
  const { online, warning, error, unknown } = connector.integrations;
  const all = online + warning + error + unknown;
  if (connector.state !== "unreachable" && connector.state !== "disconnected") return null;
  return (
    <Card title="What is not known">
      <ul class="plain-list">
        {all > 0 && (
          <li>
            whether its {several(all, "integration")} {all === 1 ? "works" : "work"} now
          </li>
        )}
        <li>
          whether its {connector.install === null || connector.install.kind === "process" ? "process" : "pod"}{" "}
          still runs: silence looks the same from here
        </li>
      </ul>
    </Card>
  );
}
