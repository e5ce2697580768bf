import type { JSX } from "preact";
import { hasEnded } from "../fleet/commands.ts";
import { isRunning, outcomeWords, type Given } from "../fleet/given.ts";
import { clock } from "../words/ages.ts";
import { knotsOf, runningKnots } from "../words/stage-words.ts";
import { Icon } from "../parts/icon.tsx";
import { MooringLine } from "../parts/mooring-line.tsx";
import { Sentence } from "../parts/sentence.tsx";

/** What a test of a saved integration found. It stands apart: it changes no status. */
export function TestResult({
  given,
  path,
}: {
  readonly given: Given;
  readonly path: readonly string[];
}): JSX.Element | null {
  const { running } = given;
  if (running === null || running.kind !== "test") return null;
  const { command, problem } = running;
  const result = command !== null && hasEnded(command) ? command.result : null;
  const knots = result === null ? runningKnots(path, command?.stages ?? []) : knotsOf(result);
  return (
    <section class="card test-result" aria-label="Test">
      <header class="card-head">
        <h2>
          {problem !== null
            ? problem.title
            : command !== null && hasEnded(command)
              ? outcomeWords("test", command)
              : "Test: the connector looks now."}
        </h2>
        <div class="card-aside">
          {given.endedAt === null ? "changes no status" : `at ${clock(given.endedAt)}, changed no status`}
          {!isRunning(given) && (
            <button type="button" class="icon-button" aria-label="Close the test" onClick={given.dismiss}>
              <Icon name="close" />
            </button>
          )}
        </div>
      </header>
      {problem !== null && <p>{problem.message}</p>}
      {result !== null && result.state !== "online" && (
        <p>
          <Sentence text={result.message} /> {result.cause}
        </p>
      )}
      {problem === null && <MooringLine knots={knots} label="Stages of the test" />}
    </section>
  );
}
