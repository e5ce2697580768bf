import type { JSX } from "preact";
import type { Finding } from "../../../protocol/report.ts";
import { Moment } from "../parts/age.tsx";
import { Card } from "../parts/card.tsx";
import { Mark } from "../parts/mark.tsx";

const SHAPES = { passed: "online", failed: "error", not_checked: "hollow" } as const;
const WORDS = { passed: "Passed: ", failed: "Failed: ", not_checked: "Not checked. " } as const;

interface SawProps {
  readonly findings: readonly Finding[];
  readonly from: string;
  readonly at: string | null;
}

/** What was looked at beyond the stages; what was not checked says why. */
export function Saw({ findings, from, at }: SawProps): JSX.Element {
  return (
    <Card
      title="What the connector saw"
      flush
      aside={
        <>
          from inside <span class="mono">{from}</span>
          {at !== null && (
            <>
              , <Moment at={at} />
            </>
          )}
        </>
      }
    >
      <ul class="findings">
        {findings.map((finding) => (
          <li key={finding.subject + finding.text}>
            <Mark shape={SHAPES[finding.verdict]} />
            <b>{finding.subject}</b>
            <p>
              {finding.verdict === "not_checked" ? (
                <b>{WORDS.not_checked}</b>
              ) : (
                <span class="for-readers">{WORDS[finding.verdict]}</span>
              )}
              {finding.text}
            </p>
          </li>
        ))}
      </ul>
    </Card>
  );
}
