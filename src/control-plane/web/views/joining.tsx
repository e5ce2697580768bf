import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Shape } from "../words/names.ts";
import { installSteps } from "../words/install.ts";
import type { Knot } from "../words/stage-words.ts";
import { connectorNamed } from "../fleet/fleet.ts";
import { connectorHref } from "../fleet/hrefs.ts";
import { now } from "../fleet/now.ts";
import { session } from "../fleet/session.ts";
import { Moment } from "../parts/age.tsx";
import { Card } from "../parts/card.tsx";
import { CommandBlock, Remedy } from "../parts/command.tsx";
import { CopyButton } from "../parts/copy.tsx";
import { MooringLine } from "../parts/mooring-line.tsx";

/** A token just made: its value is nowhere else. */
export interface MadeToken {
  readonly id: string;
  readonly token: string;
  readonly expiresAt: string;
  readonly connector: string;
  /** Since when a connector of that name had its state, where there was one. */
  readonly before: string | null;
}

const PATIENCE_MS = 120_000;

/** Waiting → Enrolled → Connected, as knots. */
function progress(made: MadeToken): Knot[] {
  const connector = connectorNamed(made.connector);
  const fresh = connector !== undefined && connector.since !== made.before;
  const connected = fresh && connector.state === "connected";
  const enrolled = connected || (fresh && connector.state !== "never_connected");
  const knot = (stage: string, done: boolean, running: boolean): Knot => {
    const shape: Shape = done ? "online" : running ? "running" : "hollow";
    return {
      stage,
      shape,
      rope: done ? "taut" : "slack",
      word: done ? "done" : running ? "waiting" : "next",
      ms: null,
      fact: null,
    };
  };
  return [
    knot("token made", true, false),
    knot("enrolled", enrolled, !enrolled),
    knot("connected", connected, enrolled && !connected),
  ];
}

/** The token, the commands, and whether the connector has come. */
export function Joining({ made }: { readonly made: MadeToken }): JSX.Element {
  const [began] = useState(now.peek());
  const who = session.value;
  const told = who === null || who === "asking" ? null : who;
  const steps = installSteps({
    connector: made.connector,
    controlPlane: told?.controlPlane ?? location.origin,
    chart: told?.chart ?? null,
    version: told?.version ?? null,
  });
  const knots = progress(made);
  const connected = knots.every((knot) => knot.shape === "online");
  const long = !connected && now.value - began > PATIENCE_MS;
  return (
    <div class="columns">
      <div class="main-column">
        <Card
          title="The token"
          aside={
            <>
              ends <Moment at={made.expiresAt} />, one use
            </>
          }
        >
          <div class="token-once">
            <code>{made.token}</code>
            <CopyButton kind="button" label="Copy" what="Token" text={() => made.token} />
          </div>
          <p class="hint">It is shown this once. Leave the page, and it is gone: make another.</p>
        </Card>
        <Card title="Where it shall run">
          <Remedy steps={steps} />
        </Card>
      </div>
      <aside class="aside is-following" aria-label="Progress">
        <Card title={connected ? `${made.connector} is connected.` : `Waiting for ${made.connector}`}>
          <MooringLine knots={knots} hanging label="Progress" />
          {connected && (
            <p>
              <a href={connectorHref(made.connector)}>See {made.connector}</a>
            </p>
          )}
          {long && told?.chart !== null && (
            <>
              <p>Nothing came for two minutes. See what the pod does.</p>
              <CommandBlock command="kubectl -n mooring get pods -l app.kubernetes.io/instance=mooring" />
            </>
          )}
        </Card>
      </aside>
    </div>
  );
}
