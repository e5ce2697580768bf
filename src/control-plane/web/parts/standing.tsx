import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Problem } from "../api/call.ts";
import { loadAgain } from "../fleet/load.ts";

const BARS_AFTER_MS = 300;

/** Grey bars where rows will be, and only if they are long in coming. */
export function Loading({ rows }: { readonly rows: number }): JSX.Element {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), BARS_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="card loading" aria-busy="true">
      {late && <p class="for-readers">Reading from the control plane.</p>}
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} class={late ? "bar-row" : "bar-row is-early"}>
          <span class={`grey-bar is-${index % 3}`} />
          <span class="grey-bar is-wide" />
        </div>
      ))}
    </div>
  );
}

/** A refusal in the control plane's own words. */
export function Refused({
  problem,
  again = loadAgain,
}: {
  readonly problem: Problem;
  readonly again?: () => void;
}): JSX.Element {
  return (
    <section class="card refused" aria-label="Refused">
      <h2>{problem.title}</h2>
      {problem.message !== "" && <p>{problem.message}</p>}
      <button type="button" class="button" onClick={again}>
        Try again
      </button>
    </section>
  );
}
