import type { JSX } from "preact";
import type { Integration, Transition } from "../api/shapes.ts";
import { isRunning, outcomeWords, type Given } from "../fleet/given.ts";
import { secretNamed } from "../fleet/fleet.ts";
import { secretHref } from "../fleet/hrefs.ts";
import { hasEnded } from "../fleet/commands.ts";
import { now } from "../fleet/now.ts";
import { recoveryWords } from "../fleet/transitions.ts";
import { clock } from "../words/ages.ts";
import { several } from "../words/names.ts";
import { knotsOf, runningKnots } from "../words/stage-words.ts";
import { Age } from "../parts/age.tsx";
import { Remedy } from "../parts/command.tsx";
import { MooringLine } from "../parts/mooring-line.tsx";
import { Cause, Sentence } from "../parts/sentence.tsx";

/** What a refresh came to, in one line under the card's head. */
function RefreshNote({ given }: { readonly given: Given }): JSX.Element | null {
  const { running } = given;
  if (running === null || running.kind !== "refresh") return null;
  if (running.problem !== null)
    return (
      <p class="note is-refused" role="alert">
        {running.problem.title}. {running.problem.message}
      </p>
    );
  if (running.command !== null && hasEnded(running.command))
    return (
      <p class="note">
        {outcomeWords("refresh", running.command)}
        {given.endedAt !== null && <span class="faint"> {clock(given.endedAt)} UTC</span>}
      </p>
    );
  return (
    <p class="note">
      {running.command === null || running.command.state === "queued"
        ? "Asking the connector."
        : "The connector looks now."}
    </p>
  );
}

function Works({
  item,
  recovery,
}: {
  readonly item: Integration;
  readonly recovery: string | null;
}): JSX.Element {
  const passed = item.stages.length;
  return (
    <>
      <p class="sentence">
        Works. {passed === 1 ? "Its one stage passed" : `All ${several(passed, "stage")} passed`}{" "}
        <Age at={item.checkedAt} />.
      </p>
      {recovery !== null && <p class="cause quiet">{recovery}</p>}
    </>
  );
}

function Codes({ item }: { readonly item: Integration }): JSX.Element {
  const secret =
    item.blockedBy?.kind === "secret" ? secretNamed(`${item.connector}/${item.blockedBy.id}`) : undefined;
  return (
    <p class="codes">
      {item.stage !== null && <code class="code">{item.stage}</code>}
      {item.reason !== null && <code class="code">{item.reason}</code>}
      {item.blockedBy !== null && (
        <span>
          because of {item.blockedBy.kind}{" "}
          {secret === undefined ? (
            <b>{item.blockedBy.kind === "connector" ? item.connector : item.blockedBy.id}</b>
          ) : (
            <a href={secretHref(secret)}>{secret.name}</a>
          )}
        </span>
      )}
    </p>
  );
}

const CLOSING: Readonly<Record<string, string>> = {
  error: "When it works again, this page turns to Online by itself. Refresh only makes it sooner.",
  warning: "It works meanwhile. When the gap is closed, this page turns to Online by itself.",
  unknown: "What it was before stands as last known: silence is no failure of the integration.",
};

interface DiagnosisProps {
  readonly item: Integration;
  readonly given: Given;
  readonly transitions: readonly Transition[] | null;
}

/** The sentence, the cause, the line of stages and the remedy. */
export function Diagnosis({ item, given, transitions }: DiagnosisProps): JSX.Element {
  const refreshing = isRunning(given) && given.running?.kind === "refresh";
  const stages = given.running?.command?.stages ?? [];
  const knots = refreshing ? runningKnots(item.path, stages) : knotsOf(item);
  return (
    <section class={`card diagnosis is-${item.state}`} aria-label="Diagnosis">
      <div class="diagnosis-head">
        {item.state === "online" ? (
          <Works item={item} recovery={recoveryWords(transitions, now.peek())} />
        ) : (
          <>
            <h2 class="sentence">
              <Sentence text={item.message} />
            </h2>
            {item.cause !== null && (
              <p class="cause">
                <Cause text={item.cause} />
              </p>
            )}
            <Codes item={item} />
          </>
        )}
        <RefreshNote given={given} />
        {knots.length > 0 && <MooringLine knots={knots} label="Stages" />}
      </div>
      {item.state !== "online" && (item.remedy.length > 0 || CLOSING[item.state] !== undefined) && (
        <div class="what-to-do">
          {item.remedy.length > 0 && (
            <>
              <h2>What to do</h2>
              <Remedy steps={item.remedy} />
            </>
          )}
          <p class="closing">{CLOSING[item.state]}</p>
        </div>
      )}
    </section>
  );
}
