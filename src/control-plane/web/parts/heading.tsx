import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { arrivals } from "../fleet/route.ts";

/** The one h1 of a view. It takes the focus when the reader came by a change of route. */
export function Heading({
  title,
  children,
}: {
  readonly title: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  const ref = useRef<HTMLHeadingElement>(null);
  const arrival = arrivals.value;
  useEffect(() => {
    if (arrival > 0) ref.current?.focus({ preventScroll: true });
  }, [arrival]);
  useEffect(() => {
    document.title = `${title} - Mooring`;
  }, [title]);
  return (
    <h1 ref={ref} tabIndex={-1}>
      {children}
    </h1>
  );
}

/** The way back, above the heading. */
export function Crumbs({
  steps,
  here,
}: {
  readonly steps: readonly (readonly [href: string, text: string])[];
  readonly here: string;
}): JSX.Element {
  return (
    <nav class="crumbs" aria-label="Path">
      <ol>
        {steps.map(([href, text]) => (
          <li key={href}>
            <a href={href}>{text}</a>
          </li>
        ))}
        <li aria-current="page">{here}</li>
      </ol>
    </nav>
  );
}
