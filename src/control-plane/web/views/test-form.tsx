import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { connectors, connectorNamed } from "../fleet/fleet.ts";
import { hasEnded } from "../fleet/commands.ts";
import { connectorHref } from "../fleet/hrefs.ts";
import { isRunning, useGiven } from "../fleet/given.ts";
import { go } from "../fleet/route.ts";
import { typeName } from "../words/names.ts";
import { itemOf, missingIn, type Draft } from "../words/draft.ts";
import { TYPE_FORMS } from "../words/draft-forms.ts";
import { culpritOf } from "../words/draft-offer.ts";
import { Crumbs, Heading } from "../parts/heading.tsx";
import { Icon } from "../parts/icon.tsx";
import { TextField } from "../parts/field.tsx";
import { DraftFields, Picker, SecretFields } from "./draft-fields.tsx";
import { DraftOutcome, ToKeep, WillNotProve } from "./draft-outcome.tsx";
import { whyResting } from "./integration-head.tsx";

const START: Draft = { type: "postgresql", name: "", "secret.store": "kubernetes" };

/** A test of an integration that is not saved: the form at the left, the line at the right. */
export function TestForm({ connector }: { readonly connector: string }): JSX.Element {
  const [draft, setDraft] = useState<Draft>(START);
  const [wrong, setWrong] = useState<ReadonlyMap<string, string>>(new Map());
  const [tested, setTested] = useState<Draft>(START);
  const summary = useRef<HTMLDivElement>(null);
  const resource = `/connectors/${encodeURIComponent(connector)}`;
  const given = useGiven(resource);
  const command = given.running?.command ?? null;
  const outcome = command !== null && hasEnded(command) ? command.result : null;
  const resting = whyResting(connectorNamed(connector), isRunning(given));
  const change = (path: string, value: string): Draft => {
    const next = { ...draft, [path]: value };
    setDraft(next);
    setWrong(new Map([...wrong].filter(([field]) => field !== path)));
    return next;
  };
  const test = (what: Draft): void => {
    const missing = missingIn(what);
    setWrong(missing);
    if (missing.size > 0) {
      setTimeout(() => summary.current?.focus(), 0);
      return;
    }
    if (resting !== null) return;
    setTested(what);
    given.give("test", itemOf(what), `${resource}/test`);
  };
  const culprit =
    outcome === null || outcome.state === "online" || draft !== tested ? null : culpritOf(outcome, tested);
  const forbidden =
    outcome?.reason === "policy_forbidden" && culprit === null && draft === tested ? outcome.cause : null;
  const errorAt = (path: string): string | null =>
    wrong.get(path) ?? (culprit === path ? (outcome?.cause ?? "This does not work.") : null);
  const others = connectors.value.filter((one) => one.state === "connected" || one.name === connector);
  return (
    <>
      <Crumbs
        steps={[
          ["/", "Overview"],
          [connectorHref(connector), connector],
        ]}
        here="Test an integration"
      />
      <div class="head">
        <div class="head-words">
          <Heading title="Test an integration">Test an integration before you save it</Heading>
          <p class="lead">
            {connector} walks every stage from inside the cluster. Nothing is saved, no status changes, no
            secret value leaves the connector.
          </p>
        </div>
      </div>
      <div class="test-columns">
        <form
          class="card draft"
          noValidate
          onSubmit={(event) => {
            event.preventDefault();
            test(draft);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter" && event.ctrlKey) test(draft);
          }}
        >
          {wrong.size > 0 && (
            <div ref={summary} class="summary" tabIndex={-1} role="alert" aria-label="What is missing">
              <b>{wrong.size === 1 ? "1 field needs a look." : `${wrong.size} fields need a look.`}</b>
              <ul>
                {[...wrong].map(([path, text]) => (
                  <li key={path}>
                    <a
                      href={`#${path}`}
                      onClick={(event) => {
                        event.preventDefault();
                        document.getElementById(path)?.focus();
                      }}
                    >
                      {text}
                    </a>
                  </li>
                ))}
              </ul>
            </div>
          )}
          {forbidden !== null && (
            <div class="summary" role="alert">
              <b>{forbidden}</b>
            </div>
          )}
          <h2>Integration</h2>
          <div class="field-grid">
            <Picker
              id="connector"
              name="Connector"
              value={connector}
              half
              options={others.map((one) => [one.name, one.name])}
              onPick={(name) => go(`/connectors/${encodeURIComponent(name)}/test`, { replace: true })}
            />
            <Picker
              id="type"
              name="Type"
              value={draft["type"] ?? ""}
              half
              options={Object.keys(TYPE_FORMS).map((type) => [type, typeName(type)])}
              onPick={(type) => change("type", type)}
            />
            <TextField
              id="name"
              name="Name"
              value={draft["name"] ?? ""}
              error={errorAt("name")}
              hint="Lower-case letters, digits and hyphens"
              onText={(text) => change("name", text)}
            />
            <DraftFields draft={draft} errorAt={errorAt} change={change} />
          </div>
          <SecretFields draft={draft} errorAt={errorAt} change={change} />
          <footer class="draft-foot">
            <button type="submit" class="button" aria-disabled={resting !== null}>
              <Icon name="play" />
              {isRunning(given) ? "Testing" : outcome === null ? "Test" : "Test again"}
            </button>
            <span class="faint">
              {resting === null || isRunning(given) ? (
                <>
                  <kbd>Ctrl</kbd> <kbd>Enter</kbd> tests from any field
                </>
              ) : (
                `A test ${resting}.`
              )}
            </span>
          </footer>
        </form>
        <div class="main-column">
          <DraftOutcome
            given={given}
            type={tested["type"] ?? ""}
            accept={(path, value) => test(change(path, value))}
          />
          {outcome !== null && <WillNotProve lines={outcome.coverage} />}
          <ToKeep draft={draft} connector={connector} />
        </div>
      </div>
    </>
  );
}
