import type { JSX } from "preact";
import type { Outcome } from "../api/shapes.ts";
import { hasEnded } from "../fleet/commands.ts";
import { outcomeWords, type Given } from "../fleet/given.ts";
import { millis } from "../words/ages.ts";
import { itemOf, yamlOf, type Draft } from "../words/draft.ts";
import { isOffer, offerIn } from "../words/draft-offer.ts";
import { knotsOf, runningKnots, totalMs } from "../words/stage-words.ts";
import { Age } from "../parts/age.tsx";
import { Card } from "../parts/card.tsx";
import { Remedy } from "../parts/command.tsx";
import { CopyButton } from "../parts/copy.tsx";
import { MooringLine } from "../parts/mooring-line.tsx";
import { Mark } from "../parts/mark.tsx";
import { Sentence } from "../parts/sentence.tsx";

const PATHS: Readonly<Record<string, readonly string[]>> = {
  postgresql: ["resolve", "connect", "tls", "secret", "respond", "authenticate", "authorize"],
  http: ["resolve", "connect", "tls", "secret", "respond", "authenticate", "authorize"],
  tcp: ["resolve", "connect"],
  tls: ["resolve", "connect", "tls"],
};

interface OutcomeProps {
  readonly given: Given;
  readonly type: string;
  readonly accept: (path: string, value: string) => void;
}

function Ended({
  result,
  given,
  accept,
}: { readonly result: Outcome } & Omit<OutcomeProps, "type">): JSX.Element {
  const offer = offerIn(result);
  const at = given.endedAt === null ? null : new Date(given.endedAt).toISOString();
  const bad = result.state === "error" || result.state === "unknown";
  return (
    <>
      <p class="outcome-top">
        <span class={`state is-${bad ? "error" : result.state}`}>
          <Mark shape={bad ? "error" : result.state} />
          {bad ? (result.stage === null ? "Failed" : `Failed at ${result.stage}`) : "Works"}
        </span>
        <span class="quiet">
          {millis(totalMs(result.stages))}, <Age at={at} />
        </span>
      </p>
      <h2 class="sentence">
        <Sentence text={result.message} />
      </h2>
      {result.cause !== null && <p class="cause">{result.cause}</p>}
      {offer !== null && (
        <p class="offer">
          <button type="button" class="button is-main" onClick={() => accept(offer.path, offer.value)}>
            {offer.label}
          </button>
          <span class="quiet">sets the field and tests again</span>
        </p>
      )}
    </>
  );
}

/** The line as it fills, then what was found. */
export function DraftOutcome({ given, type, accept }: OutcomeProps): JSX.Element {
  const { running } = given;
  const command = running?.command ?? null;
  const result = command !== null && hasEnded(command) ? command.result : null;
  const path = PATHS[type] ?? [];
  const knots =
    result !== null
      ? knotsOf(result)
      : running === null
        ? runningKnots(path, []).map((knot) => ({
            ...knot,
            shape: "hollow" as const,
            rope: "slack" as const,
            word: "",
          }))
        : runningKnots(path, command?.stages ?? []);
  const tone = result === null ? "plain" : result.state === "unknown" ? "error" : result.state;
  const refused = running?.problem ?? null;
  const steps = (result?.remedy ?? []).filter((step) => !isOffer(step));
  return (
    <section class={`card diagnosis is-${refused === null ? tone : "error"}`} aria-label="Test">
      <div class="diagnosis-head">
        {result !== null && <Ended result={result} given={given} accept={accept} />}
        {result === null && refused === null && (
          <h2 class="sentence is-small">
            {running === null
              ? "The line of the test"
              : command !== null && hasEnded(command)
                ? outcomeWords("test", command)
                : "The connector walks the line now."}
          </h2>
        )}
        {refused !== null && (
          <>
            <h2 class="sentence">{refused.title}</h2>
            <p class="cause">{refused.message}</p>
          </>
        )}
        <MooringLine knots={knots} hanging label="Stages of the test" />
      </div>
      {result !== null && result.state !== "online" && steps.length > 0 && (
        <div class="what-to-do">
          <h2>What to do</h2>
          <Remedy steps={steps} />
        </div>
      )}
    </section>
  );
}

/** What a pass leaves open, before it is taken for more. */
export function WillNotProve({ lines }: { readonly lines: readonly string[] }): JSX.Element | null {
  if (lines.length === 0) return null;
  return (
    <Card title="What a pass will not prove">
      <ul class="plain-list">
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </Card>
  );
}

/** The YAML of what the form holds. */
export function ToKeep({
  draft,
  connector,
}: {
  readonly draft: Draft;
  readonly connector: string;
}): JSX.Element {
  const yaml = yamlOf(itemOf(draft), 1);
  return (
    <section class="card to-keep" aria-label="To keep it">
      <header class="card-head">
        <h2>To keep it</h2>
        <CopyButton kind="button is-small" label="Copy" what="YAML" text={() => yaml} />
      </header>
      <p>
        Put this under <code class="code">integrations</code> in the configuration of {connector}.
      </p>
      <pre tabIndex={0} aria-label="YAML">
        {yaml.split("\n").map((line) => {
          const [, head, rest] = /^(\s*(?:- )?[\w]+:)(.*)$/.exec(line) ?? [null, "", line];
          return (
            <span key={line}>
              <span class="key">{head}</span>
              {rest}
              {"\n"}
            </span>
          );
        })}
      </pre>
    </section>
  );
}
