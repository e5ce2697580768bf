import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { connectors, picture, secrets } from "../fleet/fleet.ts";
import type { Secret } from "../api/shapes.ts";
import { secretHref } from "../fleet/hrefs.ts";
import { stepRow, useKeys } from "../fleet/keys.ts";
import { phone } from "../fleet/settings.ts";
import { refusal } from "../fleet/load.ts";
import { several, spoken, STATE_ORDER } from "../words/names.ts";
import { shortReason, storeName } from "../words/secret-words.ts";
import { Age, Moment } from "../parts/age.tsx";
import { Icon } from "../parts/icon.tsx";
import { Heading } from "../parts/heading.tsx";
import { Loading, Refused } from "../parts/standing.tsx";
import { StateWord } from "../parts/state-word.tsx";

/** What is needed most first, then by connector and name. */
function byNeed(a: Secret, b: Secret): number {
  const rank = ({ state }: Secret): number => STATE_ORDER.indexOf(state);
  const text = ({ connector, name }: Secret): string => `${connector} ${name}`;
  return rank(a) - rank(b) || text(a).localeCompare(text(b));
}

function verdict(all: readonly Secret[]): string {
  const count = (wanted: string): number => all.filter(({ state }) => state === wanted).length;
  const [errors, warnings, unknown] = [count("error"), count("warning"), count("unknown")];
  if (all.length === 0) return "No secret yet.";
  if (errors > 0) return `${several(errors, "secret")} ${errors === 1 ? "does" : "do"} not work.`;
  if (warnings > 0) return `${several(warnings, "secret")} ${warnings === 1 ? "works" : "work"}, with a gap.`;
  if (unknown > 0) return `${several(unknown, "secret")} ${unknown === 1 ? "is" : "are"} unknown.`;
  return all.length === 1 ? "The only secret is readable." : `All ${all.length} secrets are readable.`;
}

function Row({ secret }: { readonly secret: Secret }): JSX.Element {
  const { connector, state, reason, usedBy, users } = secret;
  const shown = usedBy.slice(0, 2).join(", ");
  return (
    <tr class={`row is-${state}`}>
      <td>
        <StateWord state={state} />
      </td>
      <th scope="row" class="name">
        <a href={secretHref(secret)} data-row="">
          {secret.name}
        </a>
        <span class="mono address">{connector}</span>
      </th>
      <td class="type">{storeName(secret)}</td>
      <td class="why">
        {state === "error" || state === "warning" ? (
          <span class={`${state}-text`}>{shortReason(secret)}</span>
        ) : (
          <span class="quiet">
            {state === "online" ? "Readable" : reason === null ? "not read yet" : spoken(reason)}
          </span>
        )}
      </td>
      <td class="used">
        {shown}
        {users > 2 && <span class="quiet"> and {users - 2} more</span>}
      </td>
      <td class="until">
        {secret.expiresAt === null ? <span class="faint">not known</span> : <Moment at={secret.expiresAt} />}
      </td>
      <td class="checked">
        <Age at={secret.lastReadAt} />
      </td>
    </tr>
  );
}

function Item({ secret }: { readonly secret: Secret }): JSX.Element {
  const isWell = secret.state === "online" || secret.state === "unknown";
  return (
    <li>
      <StateWord state={secret.state} />
      <span class="of-name">
        <a href={secretHref(secret)} data-row="">
          {secret.name}
        </a>
      </span>
      <span class="of-place quiet">
        {secret.connector} · {storeName(secret)}
      </span>
      {!isWell && <span class={`of-reason ${secret.state}-text`}>{shortReason(secret)}</span>}
    </li>
  );
}

/** Every secret that an integration needs: does it work, where is it, who needs it. Never a value. */
export function Secrets(): JSX.Element {
  const [wanted, setWanted] = useState("");
  useKeys({ j: () => stepRow(1), k: () => stepRow(-1) });
  const all = secrets.value;
  const text = wanted.trim().toLowerCase();
  const shown = all
    .filter((secret) =>
      [secret.name, secret.store, secret.connector, ...secret.usedBy].some((word) =>
        word.toLowerCase().includes(text),
      ),
    )
    .toSorted(byNeed);
  const isLoading = picture.value !== "whole" && all.length === 0;
  return (
    <>
      <div class="head">
        <div class="head-words">
          <Heading title="Secrets">{isLoading ? "Secrets" : verdict(all)}</Heading>
          <p class="lead">
            A connector reads each secret again and again, for all integrations that need it. Values stay in
            the connector.
          </p>
        </div>
      </div>
      {isLoading && (refusal.value === null ? <Loading rows={4} /> : <Refused problem={refusal.value} />)}
      {!isLoading && all.length === 0 && (
        <p class="card nothing">
          {connectors.value.length === 0
            ? "No connector yet."
            : "No integration of a connected connector needs a secret, or the connector is older than this page."}
        </p>
      )}
      {all.length > 0 && (
        <section class="fleet" aria-label="Secrets">
          <div class="filter-bar">
            <label class="field-with-icon filter-name">
              <Icon name="search" />
              <input
                type="search"
                aria-label="Filter by name, store, connector or integration"
                placeholder="Filter"
                value={wanted}
                onInput={(event) => setWanted(event.currentTarget.value)}
              />
            </label>
          </div>
          {phone.value ? (
            <ul class="card is-flush of-connector of-secrets">
              {shown.map((secret) => (
                <Item key={secretHref(secret)} secret={secret} />
              ))}
            </ul>
          ) : (
            <table class="fleet-table secret-table">
              <thead>
                <tr>
                  <th scope="col">State</th>
                  <th scope="col">Secret</th>
                  <th scope="col">Store</th>
                  <th scope="col">Checks</th>
                  <th scope="col">Used by</th>
                  <th scope="col">Ends</th>
                  <th scope="col">Last read</th>
                </tr>
              </thead>
              <tbody>
                {shown.map((secret) => (
                  <Row key={secretHref(secret)} secret={secret} />
                ))}
              </tbody>
            </table>
          )}
          {shown.length === 0 && <p class="card nothing">No secret is called that.</p>}
        </section>
      )}
    </>
  );
}
