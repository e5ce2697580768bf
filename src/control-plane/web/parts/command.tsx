import type { JSX } from "preact";
import type { RemedyStep } from "../api/shapes.ts";
import { CopyButton } from "./copy.tsx";
import { Breakable } from "./sentence.tsx";

/** A command as it is pasted: no prompt, no newline at its end. It wraps at spaces, long words at `/` and `=`. */
export function CommandBlock({ command }: { readonly command: string }): JSX.Element {
  return (
    <div class="command">
      <code>
        <Breakable text={command} />
      </code>
      <CopyButton kind="command-copy" label="Copy" what="Command" text={() => command} />
    </div>
  );
}

/** The remedy: numbered steps, each with at most one command. */
export function Remedy({ steps }: { readonly steps: readonly RemedyStep[] }): JSX.Element {
  return (
    <ol class="remedy">
      {steps.map((step) => (
        <li key={step.text + (step.command ?? "")}>
          <p>{step.text}</p>
          {step.command !== null && <CommandBlock command={step.command} />}
        </li>
      ))}
    </ol>
  );
}
