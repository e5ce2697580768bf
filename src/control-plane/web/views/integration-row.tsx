import type { JSX } from "preact";
import type { Integration, Sample } from "../api/shapes.ts";
import { integrationCell, tinted } from "../fleet/fleet.ts";
import { integrationHref } from "../fleet/hrefs.ts";
import { now } from "../fleet/now.ts";
import { phone } from "../fleet/settings.ts";
import { samplesOf, samplesPath, withSilence } from "../fleet/samples.ts";
import { knotsOf } from "../words/stage-words.ts";
import { reasonWords, spoken, typeName } from "../words/names.ts";
import { Age, Moment } from "../parts/age.tsx";
import { Bars } from "../parts/bars.tsx";
import { Mark } from "../parts/mark.tsx";
import { ShortLine } from "../parts/short-line.tsx";
import { Sparkline } from "../parts/sparkline.tsx";
import { StateWord } from "../parts/state-word.tsx";

const DAY_MS = 86_400_000;
const BUCKET_MS = 300_000;
/** Three hours of buckets. */
const RECENT = 36;

/** Why a row is not Online, in few words. */
export function ShortReason({ item }: { readonly item: Integration }): JSX.Element | null {
  if (item.state === "unknown") {
    if (item.lastKnown === null)
      return (
        <span class="unknown-text">{item.reason === null ? "not checked yet" : spoken(item.reason)}</span>
      );
    return (
      <span class="unknown-text">
        last known {item.lastKnown.state}, <Age at={item.checkedAt ?? item.lastKnown.at} />
      </span>
    );
  }
  if (item.state === "online" || item.reason === null) return null;
  return <span class={`${item.state}-text`}>{reasonWords(item.stage, item.reason)}</span>;
}

function dayWords(samples: readonly Sample[] | null): string {
  if (samples === null) return "Last 24 hours: not read yet";
  const bad = samples.filter((sample) => sample.state === "error").length;
  return bad === 0 ? "Last 24 hours: no error" : `Last 24 hours: in error for about ${bad * 5} min`;
}

function Cells({
  item,
  withConnector,
}: {
  readonly item: Integration;
  readonly withConnector: boolean;
}): JSX.Element {
  const to = Math.ceil(now.peek() / BUCKET_MS) * BUCKET_MS;
  const day = withSilence(samplesOf(samplesPath(item)).value, item, to);
  return (
    <>
      <td>
        <StateWord state={item.state} />
      </td>
      <th scope="row" class="name">
        {phone.value && <Mark shape={item.state} size={18} />}
        <a href={integrationHref(item)} data-row="">
          {item.name}
        </a>
        <span class="mono address">
          {withConnector ? `${item.connector} · ${item.address}` : item.address}
        </span>
        {phone.value && (
          <span class="row-reason">
            <ShortReason item={item} />
          </span>
        )}
      </th>
      <td class="type">{typeName(item.type)}</td>
      <td class="stages">
        <ShortLine knots={knotsOf(item)} />
        <ShortReason item={item} />
      </td>
      <td class="latency">
        <Sparkline
          samples={day?.slice(-RECENT) ?? null}
          known={item.state !== "unknown" && item.state !== "error"}
        />
      </td>
      <td class="day">
        <Bars samples={day} from={to - DAY_MS} to={to} label={dayWords(day)} />
      </td>
      <td class="checked">
        {item.state === "unknown" && item.checkedAt !== null ? (
          <>
            at <Moment at={item.checkedAt} />
          </>
        ) : (
          <Age at={item.checkedAt} />
        )}
      </td>
    </>
  );
}

interface RowProps {
  readonly id: string;
  readonly index: number;
  readonly withConnector: boolean;
}

/** One integration. It follows its own signal: a change of another does not redraw it. */
export function IntegrationRow({ id, index, withConnector }: RowProps): JSX.Element {
  const item = integrationCell(id)?.value;
  if (item === undefined)
    return (
      <tr class="row is-gone" aria-rowindex={index}>
        <td colSpan={7}>{id.slice(id.indexOf("/") + 1)} was removed.</td>
      </tr>
    );
  return (
    <tr class={`row is-${item.state}${tinted.value.has(id) ? " is-tinted" : ""}`} aria-rowindex={index}>
      <Cells item={item} withConnector={withConnector} />
    </tr>
  );
}
