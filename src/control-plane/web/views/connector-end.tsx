import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Problem, send } from "../api/call.ts";
import type { Connector } from "../api/shapes.ts";
import { announce } from "../fleet/announce.ts";
import { connectorHref } from "../fleet/hrefs.ts";
import { notLive } from "../fleet/link.ts";
import { mayAct } from "../fleet/may-act.ts";
import { Card } from "../parts/card.tsx";

interface End {
  readonly verb: "Revoke" | "Remove";
  readonly done: string;
  readonly what: string;
}

const REVOKE: End = {
  verb: "Revoke",
  done: "revoked",
  what: "Its key is refused from now on and its session ends. What is known of it is kept. A new join token lets it enrol again.",
};
const REMOVE: End = {
  verb: "Remove",
  done: "removed",
  what: "Its key is refused from now on, and all that is known of it goes: its integrations, its secrets and their history.",
};

function act({ verb }: End, name: string): Promise<unknown> {
  const path = connectorHref(name);
  return verb === "Revoke" ? send("POST", `${path}/revoke`) : send("DELETE", path);
}

interface AskProps {
  readonly end: End;
  readonly name: string;
  readonly leave: () => void;
}

/** Asks once more, by the connector's name. */
function Ask({ end, name, leave }: AskProps): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [sent, setSent] = useState(false);
  useEffect(() => ref.current?.showModal(), []);
  // The dialog's own close gives the focus back, then `onClose` tells it.
  const close = (): void => ref.current?.close();
  const confirm = (): void => {
    if (sent) return;
    setSent(true);
    act(end, name).then(
      () => {
        announce(`Connector ${name} ${end.done}.`);
        close();
      },
      (error: unknown) => {
        setSent(false);
        if (error instanceof Problem) setProblem(error);
        else throw error;
      },
    );
  };
  return (
    <dialog ref={ref} class="keys ask" aria-labelledby="ask-title" onClose={leave}>
      <h2 id="ask-title">
        {end.verb} connector {name}?
      </h2>
      <p>{end.what}</p>
      {problem !== null && (
        <p class="error-text" role="alert">
          {problem.title}. {problem.message}
        </p>
      )}
      <div class="actions">
        <button type="button" class="button" onClick={close}>
          Cancel
        </button>
        <button type="button" class="button is-danger" aria-disabled={sent} onClick={confirm}>
          {end.verb} {name}
        </button>
      </div>
    </dialog>
  );
}

/** Revoke and Remove, for the operator alone. */
export function ConnectorEnd({ connector }: { readonly connector: Connector }): JSX.Element | null {
  const [asked, setAsked] = useState<End | null>(null);
  if (!mayAct()) return null;
  const { name, revokedAt, state } = connector;
  const revocable = revokedAt === null && state !== "never_connected";
  const button = (end: End): JSX.Element => (
    <button
      type="button"
      class="button is-small"
      aria-disabled={notLive.value}
      onClick={() => {
        if (!notLive.peek()) setAsked(end);
      }}
    >
      {end.verb}
      <span class="for-readers"> connector {name}</span>
    </button>
  );
  return (
    <Card title="To end it">
      <div class="actions is-beside">
        {revocable && button(REVOKE)}
        {button(REMOVE)}
      </div>
      {asked !== null && <Ask end={asked} name={name} leave={() => setAsked(null)} />}
    </Card>
  );
}
