import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";

interface CardProps {
  readonly title: string;
  readonly aside?: ComponentChildren;
  readonly flush?: boolean;
  readonly children: ComponentChildren;
}

/** A section with its heading. `flush`: its rows reach the edges. */
export function Card({ title, aside, flush = false, children }: CardProps): JSX.Element {
  const id = useId();
  return (
    <section class={flush ? "card is-flush" : "card"} aria-labelledby={id}>
      <header class="card-head">
        <h2 id={id}>{title}</h2>
        {aside !== undefined && <div class="card-aside">{aside}</div>}
      </header>
      {children}
    </section>
  );
}
