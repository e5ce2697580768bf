import type { JSX } from "preact";
import { link, notLive, tryNow } from "../fleet/link.ts";
import { now } from "../fleet/now.ts";
import { clock, span } from "../words/ages.ts";

/** Says plainly that the picture is old, and since when. The one thing that is read out at once. */
export function LostBanner(): JSX.Element | null {
  const standing = link.value;
  const lost = notLive.value && standing.kind === "lost";
  return (
    <div role="alert" class={lost ? "lost" : "for-readers"}>
      {lost && (
        <>
          <b>Not live since {clock(standing.since)}.</b>{" "}
          <span aria-hidden="true">
            {standing.retryAt === null
              ? "Trying now."
              : `Trying again in ${span(Math.max(1000, standing.retryAt - now.value))}.`}
          </span>{" "}
          <button type="button" class="link" onClick={tryNow}>
            Try now
          </button>
        </>
      )}
    </div>
  );
}
