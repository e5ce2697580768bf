import type { JSX } from "preact";
import type { Connector } from "../api/shapes.ts";
import { connectors } from "../fleet/fleet.ts";
import { mayAct } from "../fleet/may-act.ts";
import { connectorGap, several } from "../words/names.ts";
import { Moment } from "../parts/age.tsx";
import { CommandBlock, Remedy } from "../parts/command.tsx";
import { Cause, Sentence } from "../parts/sentence.tsx";
import { HeartbeatStrip } from "./heartbeat-strip.tsx";

/** What the others say about where to look. */
function comparison(connector: Connector): string {
  const others = connectors.value.filter(
    (other) => other.name !== connector.name && other.state !== "never_connected",
  );
  const connected = others.filter((other) => other.state === "connected").length;
  if (others.length === 0) return "";
  if (connected === others.length)
    return `The other ${connected === 1 ? "connector is" : `${several(connected, "connector")} are`} connected, so the control plane can be reached: look on the side of ${connector.name}.`;
  if (connected === 0)
    return "No other connector is connected either: look on the side of the control plane and of the way to it.";
  return `${connected} of the other ${several(others.length, "connector")} are connected.`;
}

interface Seen {
  readonly see: string;
  readonly means: string;
  readonly command?: string;
}

/** What the look at the pod can show, and what follows. Only where it is known how the connector was installed. */
function sightings(connector: Connector): Seen[] {
  const install = connector.install;
  if (install === null || install.namespace === null || install.kind === "process") return [];
  const space = install.namespace;
  const release = install.release ?? install.name ?? connector.name;
  return [
    {
      see: "Running, ready",
      means: "It lives but cannot reach the control plane. Let it say why: name, proxy, certificate, clock.",
      command: `kubectl -n ${space} exec deploy/${install.name ?? release} -- mooring doctor`,
    },
    {
      see: "Pending, CrashLoopBackOff, OOMKilled",
      means: "The cluster cannot run it. Read why.",
      command: `kubectl -n ${space} describe pod -l app.kubernetes.io/instance=${release}`,
    },
    {
      see: "kubectl does not answer",
      means: "The cluster, or the way to it, does not answer. Mooring cannot see further from here.",
    },
  ];
}

function Sightings({ connector }: { readonly connector: Connector }): JSX.Element {
  const [look, ...rest] = connector.remedy;
  const seen = sightings(connector);
  if (seen.length === 0 || look === undefined || connector.state !== "unreachable")
    return <Remedy steps={connector.remedy} />;
  return (
    <>
      <p>In that cluster, look for the connector’s pod. What you see decides what comes next.</p>
      {look.command !== null && <CommandBlock command={look.command} />}
      <table class="sightings">
        <thead>
          <tr>
            <th scope="col">You see</th>
            <th scope="col">Then</th>
          </tr>
        </thead>
        <tbody>
          {seen.map(({ see, means, command }) => (
            <tr key={see}>
              <th scope="row">{see}</th>
              <td>
                <p>{means}</p>
                {command !== undefined && <CommandBlock command={command} />}
              </td>
            </tr>
          ))}
          <tr>
            <th scope="row">No resources found</th>
            <td>
              <p>
                The release is gone.{" "}
                <a href={`/add?connector=${encodeURIComponent(connector.name)}`}>
                  Install it again with a new join token
                </a>
                ; its history here is kept.
              </p>
            </td>
          </tr>
        </tbody>
      </table>
      {rest
        .filter((step) => step.command === null)
        .map((step) => (
          <p key={step.text} class="closing">
            {step.text}
          </p>
        ))}
    </>
  );
}

const CALM = new Set(["connected", "restarting", "offline", "never_connected", "stale", "disconnected"]);

/** Why it is not heard, with the comparison; the heartbeats; what to do. Connected: the heartbeats alone. */
export function ConnectorDiagnosis({ connector }: { readonly connector: Connector }): JSX.Element {
  const calm = CALM.has(connector.state);
  const tone =
    connector.state === "unreachable"
      ? "error"
      : connector.revokedAt !== null || connectorGap(connector) !== null
        ? "warning"
        : "plain";
  return (
    <section class={`card diagnosis is-${tone}`} aria-label="Diagnosis">
      <div class="diagnosis-head">
        <h2 class="sentence">
          <Sentence text={connector.message} />
        </h2>
        {(connector.cause !== null || !calm) && (
          <p class="cause">
            <Cause text={connector.cause ?? ""} />{" "}
            {connector.state === "unreachable" && comparison(connector)}
          </p>
        )}
        {connector.reason !== null && (
          <p class="codes">
            <code class="code">connector</code>
            <code class="code">{connector.reason}</code>
            {connector.state === "connected" && connector.reasonSince !== null && (
              <span class="quiet">
                since <Moment at={connector.reasonSince} /> UTC
              </span>
            )}
          </p>
        )}
        {connector.lastHeartbeatAt !== null && <HeartbeatStrip connector={connector} />}
      </div>
      {connector.remedy.length > 0 && (
        <div class="what-to-do">
          <h2>What to do</h2>
          <Sightings connector={connector} />
          {(connector.state === "never_connected" || connector.revokedAt !== null) && mayAct() && (
            <p class="closing">
              <a class="button" href={`/add?connector=${encodeURIComponent(connector.name)}`}>
                Make a join token here
              </a>
            </p>
          )}
          {connector.state === "unreachable" && (
            <p class="closing">
              It tries again by itself, at most 60 s apart, and never gives up. When it is back, what happened
              meanwhile arrives in order, each change once.
            </p>
          )}
        </div>
      )}
    </section>
  );
}
