import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Problem, send } from "../api/call.ts";
import { connectorNamed, connectors } from "../fleet/fleet.ts";
import { connectorHref } from "../fleet/hrefs.ts";
import { mayAct } from "../fleet/may-act.ts";
import { place } from "../fleet/route.ts";
import { connectorWord } from "../words/names.ts";
import { TextField } from "../parts/field.tsx";
import { Crumbs, Heading } from "../parts/heading.tsx";
import { Mark } from "../parts/mark.tsx";
import { Refused } from "../parts/standing.tsx";
import { Joining, type MadeToken } from "./joining.tsx";

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function problemWith(name: string): string | null {
  if (name === "") return "A connector needs a name.";
  return LABEL.test(name)
    ? null
    : "Lower-case letters, digits and hyphens, at most 63, and no hyphen at an end.";
}

/** A name, then a token shown once with the exact commands, then whether it has come. */
export function AddConnector(): JSX.Element {
  const [name, setName] = useState(new URLSearchParams(place.value.search).get("connector") ?? "");
  const [wrong, setWrong] = useState<string | null>(null);
  const [made, setMade] = useState<MadeToken | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const known = connectorNamed(name);
  const make = (event: Event): void => {
    event.preventDefault();
    const found = problemWith(name);
    setWrong(found);
    if (found !== null) {
      document.getElementById("connector-name")?.focus();
      return;
    }
    send<Omit<MadeToken, "connector" | "before">>("POST", "/tokens", { connector: name }).then(
      (token) => {
        setProblem(null);
        if (token !== null)
          setMade({ ...token, connector: name, before: connectorNamed(name)?.since ?? null });
      },
      (error: unknown) => {
        if (error instanceof Problem) setProblem(error);
        else throw error;
      },
    );
  };
  return (
    <>
      <Crumbs
        steps={[
          ["/", "Overview"],
          ["/tokens", "Join tokens"],
        ]}
        here="Add"
      />
      <div class="head">
        <div class="head-words">
          <Heading title="Add a connector">Add a connector</Heading>
          <p class="lead">A connector opens one connection to here, and nothing needs to reach it.</p>
        </div>
      </div>
      {!mayAct() && (
        <p class="card nothing">
          A viewer may look, not touch. Sign in with the operator token to add a connector.
        </p>
      )}
      {mayAct() && made === null && (
        <form class="card add-form" onSubmit={make} noValidate>
          <TextField
            id="connector-name"
            name="Name"
            value={name}
            error={wrong}
            hint={
              known === undefined
                ? `How it is called here: lower-case letters, digits and hyphens. ${connectors.value.length === 0 ? "For example the cluster's name." : ""}`
                : undefined
            }
            onText={(text) => {
              setName(text.trim());
              setWrong(null);
            }}
          />
          {known !== undefined && (
            <p class="exists" role="status">
              <Mark shape="warning" />
              <span>
                Connector <a href={connectorHref(name)}>{name}</a> exists already: it is{" "}
                {connectorWord(known)[0].toLowerCase()}. A new token lets it enrol again and replaces its key;
                its history is kept. For another connector choose another name.
              </span>
            </p>
          )}
          <button type="submit" class="button is-main">
            {known === undefined ? "Make a join token" : `Make a new join token for ${name}`}
          </button>
        </form>
      )}
      {problem !== null && <Refused problem={problem} again={() => setProblem(null)} />}
      {made !== null && <Joining made={made} />}
    </>
  );
}
