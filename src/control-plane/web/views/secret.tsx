import type { ComponentChildren, JSX } from "preact";
import type { Secret } from "../api/shapes.ts";
import { connectorNamed, integrationNamed, picture, secretNamed } from "../fleet/fleet.ts";
import { useGiven } from "../fleet/given.ts";
import { isRunning } from "../fleet/given.ts";
import { connectorHref, integrationHref } from "../fleet/hrefs.ts";
import { useKeys } from "../fleet/keys.ts";
import { STATE_WORDS } from "../words/names.ts";
import { knotsOfSecret, storeName } from "../words/secret-words.ts";
import { Age, Moment, Standing } from "../parts/age.tsx";
import { Card } from "../parts/card.tsx";
import { Remedy } from "../parts/command.tsx";
import { Crumbs, Heading } from "../parts/heading.tsx";
import { Icon } from "../parts/icon.tsx";
import { MooringLine } from "../parts/mooring-line.tsx";
import { Cause, Sentence } from "../parts/sentence.tsx";
import { Loading } from "../parts/standing.tsx";
import { StateWord } from "../parts/state-word.tsx";
import { ShortReason } from "./integration-row.tsx";
import { whyResting } from "./integration-head.tsx";
import { Saw } from "./saw.tsx";

function Diagnosis({ secret }: { readonly secret: Secret }): JSX.Element {
  const { state, cause, stage, reason, remedy } = secret;
  return (
    <section class={`card diagnosis is-${state}`} aria-label="Diagnosis">
      <div class="diagnosis-head">
        <h2 class="sentence">
          <Sentence text={secret.message} />
        </h2>
        {cause !== null && (
          <p class="cause">
            <Cause text={cause} />
          </p>
        )}
        {reason !== null && (
          <p class="codes">
            {stage !== null && <code class="code">{stage}</code>}
            <code class="code">{reason}</code>
          </p>
        )}
        <MooringLine knots={knotsOfSecret(secret)} label="Checks" />
      </div>
      {state !== "online" && (
        <div class="what-to-do">
          {remedy.length > 0 && (
            <>
              <h2>What to do</h2>
              <Remedy steps={remedy} />
            </>
          )}
          <p class="closing">
            {state === "unknown"
              ? "What it was before stands as last known: silence is no failure of the secret."
              : "It is read again by itself, and its integrations are looked at as soon as it changes."}
          </p>
        </div>
      )}
    </section>
  );
}

function UsedBy({ secret }: { readonly secret: Secret }): JSX.Element {
  const more = secret.users - secret.usedBy.length;
  return (
    <Card title="Used by" flush>
      <ul class="of-connector of-secret">
        {secret.usedBy.map((name) => {
          const item = integrationNamed(`${secret.connector}/${name}`);
          return (
            <li key={name}>
              {item === undefined ? (
                <span class="faint">not told yet</span>
              ) : (
                <StateWord state={item.state} />
              )}
              <span class="of-name">
                <a href={integrationHref({ connector: secret.connector, name })} data-row="">
                  {name}
                </a>
              </span>
              <span class="of-reason">{item !== undefined && <ShortReason item={item} />}</span>
            </li>
          );
        })}
      </ul>
      {more > 0 && <p class="more quiet">and {more} more</p>}
    </Card>
  );
}

function Fact({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Facts({ secret }: { readonly secret: Secret }): JSX.Element {
  const { connector, version, createdAt, expiresAt, lastReadAt } = secret;
  return (
    <Card title="Facts">
      <dl class="facts">
        <Fact name="Connector">
          <a href={connectorHref(connector)}>{connector}</a>
        </Fact>
        <Fact name="Store">{storeName(secret)}</Fact>
        {version !== null && (
          <Fact name="Version">
            <span class="mono">{version}</span>
          </Fact>
        )}
        {createdAt !== null && (
          <Fact name="Made">
            <Age at={createdAt} />
          </Fact>
        )}
        <Fact name="Ends">{expiresAt === null ? "not known" : <Moment at={expiresAt} />}</Fact>
        <Fact name="Last read">
          <Age at={lastReadAt} />
        </Fact>
      </dl>
    </Card>
  );
}

/** Reads it again: a refresh of one of its integrations does. */
function Refresh({ secret }: { readonly secret: Secret }): JSX.Element {
  const [first = ""] = secret.usedBy;
  const given = useGiven(integrationHref({ connector: secret.connector, name: first }));
  const running = isRunning(given);
  const resting = whyResting(connectorNamed(secret.connector), running);
  const refresh = (): void => {
    if (resting === null) given.give("refresh");
  };
  useKeys({ r: refresh });
  return (
    <div class="actions is-fixed">
      <button type="button" class="button is-main" aria-disabled={resting !== null} onClick={refresh}>
        <Icon name="refresh" />
        {running ? "Reading" : resting === null ? "Read again" : `Reading again ${resting}`}
        {(resting === null || running) && <kbd>r</kbd>}
      </button>
    </div>
  );
}

/** One secret: does it work, why not, what to do, who needs it. */
export function SecretView({
  connector,
  id,
}: {
  readonly connector: string;
  readonly id: string;
}): JSX.Element {
  const secret = secretNamed(`${connector}/${id}`);
  const name = secret?.name ?? id;
  const crumbs = (
    <Crumbs
      steps={[
        ["/secrets", "Secrets"],
        [connectorHref(connector), connector],
      ]}
      here={name}
    />
  );
  if (secret === undefined)
    return (
      <>
        {crumbs}
        <Heading title={name}>{name}</Heading>
        {picture.value === "whole" ? (
          <section class="card refused" aria-label="Removed">
            <h2>No integration of {connector} needs this secret.</h2>
            <p>
              See <a href="/secrets">all secrets</a>.
            </p>
          </section>
        ) : (
          <Loading rows={5} />
        )}
      </>
    );
  return (
    <>
      {crumbs}
      <div class="head">
        <div class="head-words">
          <div class="title-line">
            <Heading title={`${secret.state === "error" ? "(1) " : ""}${name}: ${STATE_WORDS[secret.state]}`}>
              {name}
            </Heading>
            <code class="code">{secret.store}</code>
          </div>
          <p class="standing">
            <StateWord state={secret.state} size={18} />
            <Standing since={secret.since} />
            <span>
              {secret.lastKnown !== null && `last known ${secret.lastKnown.state}, `}
              <Age at={secret.lastReadAt} verb="read" />
            </span>
          </p>
        </div>
        <Refresh secret={secret} />
      </div>
      <div class="columns">
        <div class="main-column">
          <Diagnosis secret={secret} />
          {secret.findings.length > 0 && (
            <Saw findings={secret.findings} from={connector} at={secret.lastReadAt} />
          )}
          <UsedBy secret={secret} />
        </div>
        <aside class="aside" aria-label="About this secret">
          <Facts secret={secret} />
        </aside>
      </div>
    </>
  );
}
