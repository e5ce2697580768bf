import type { JSX } from "preact";
import type { Connector, Integration } from "../api/shapes.ts";
import { isRunning, type Given } from "../fleet/given.ts";
import { useKeys } from "../fleet/keys.ts";
import { notLive } from "../fleet/link.ts";
import { mayAct } from "../fleet/may-act.ts";
import { now } from "../fleet/now.ts";
import { integrationTicket } from "../words/ticket.ts";
import { Age, Standing } from "../parts/age.tsx";
import { useCopy } from "../parts/copy.tsx";
import { Icon } from "../parts/icon.tsx";
import { StateWord } from "../parts/state-word.tsx";

/** State, since, last and next check. */
export function IntegrationStanding({ item }: { readonly item: Integration }): JSX.Element {
  return (
    <p class="standing">
      <StateWord state={item.state} size={18} />
      <Standing since={item.since} />
      {item.state === "unknown" && item.lastKnown !== null ? (
        <span>
          last known {item.lastKnown.state}, <Age at={item.checkedAt ?? item.lastKnown.at} />
        </span>
      ) : (
        <span>
          <Age at={item.checkedAt} verb="checked" />
          {item.nextCheckAt !== null && (
            <>
              , next check <Age at={item.nextCheckAt} as="in" />
            </>
          )}
        </span>
      )}
    </p>
  );
}

/** Why Refresh and Test rest, as the end of a sentence that the verb begins; null where they work. */
export function whyResting(owner: Connector | undefined, running: boolean): string | null {
  if (notLive.value) return "waits for the control plane";
  if (!mayAct()) return "needs the operator";
  if (owner !== undefined && owner.state !== "connected" && owner.state !== "stale")
    return "needs a connected connector";
  return running ? "is running" : null;
}

interface ActionsProps {
  readonly item: Integration;
  readonly owner: Connector | undefined;
  readonly given: Given;
}

/** Copy for a ticket, Test, Refresh; with their keys. */
export function IntegrationActions({ item, owner, given }: ActionsProps): JSX.Element {
  const running = isRunning(given);
  const resting = whyResting(owner, running);
  const [copied, copy] = useCopy(() => integrationTicket(item, location.href, now.peek()), "Ticket");
  const [, copyFirst] = useCopy(
    () => item.remedy.find((step) => step.command !== null)?.command ?? "",
    "First command",
  );
  const act = (kind: "refresh" | "test") => (): void => {
    if (resting === null) given.give(kind);
  };
  useKeys({ r: act("refresh"), t: act("test"), y: copy, c: copyFirst });
  const kind = given.running?.kind;
  return (
    <div class="actions is-fixed">
      <button type="button" class="button" onClick={copy}>
        <Icon name={copied ? "check" : "note"} />
        <span class="same-width">
          <span class={copied ? "unseen" : ""}>Copy for a ticket</span>
          <span class={copied ? "" : "unseen"} aria-hidden="true">
            Copied
          </span>
        </span>
      </button>
      {(resting === null || running) && (
        <button type="button" class="button act-test" aria-disabled={resting !== null} onClick={act("test")}>
          <Icon name="play" />
          {running && kind === "test" ? "Testing" : "Test"}
          <kbd>t</kbd>
        </button>
      )}
      <button type="button" class="button is-main" aria-disabled={resting !== null} onClick={act("refresh")}>
        <Icon name="refresh" />
        {running && kind === "refresh"
          ? "Refreshing"
          : resting === null || running
            ? "Refresh"
            : `Refresh ${resting}`}
        {(resting === null || running) && <kbd>r</kbd>}
      </button>
    </div>
  );
}
