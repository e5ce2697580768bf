import type { JSX } from "preact";
import { route } from "./fleet/route.ts";
import { session, sessionProblem, startSession } from "./fleet/session.ts";
import { spokenNews } from "./fleet/announce.ts";
import { PrintedFrom } from "./parts/age.tsx";
import { Bar } from "./parts/bar.tsx";
import { Heading } from "./parts/heading.tsx";
import { KeyList } from "./parts/key-list.tsx";
import { LostBanner } from "./parts/lost-banner.tsx";
import { Loading, Refused } from "./parts/standing.tsx";
import { AddConnector } from "./views/add.tsx";
import { ConnectorView } from "./views/connector.tsx";
import { IntegrationView } from "./views/integration.tsx";
import { Overview } from "./views/overview.tsx";
import { SecretView } from "./views/secret.tsx";
import { Secrets } from "./views/secrets.tsx";
import { SignIn } from "./views/sign-in.tsx";
import { TestForm } from "./views/test-form.tsx";
import { Tokens } from "./views/tokens.tsx";

function Nowhere(): JSX.Element {
  return (
    <>
      <Heading title="Nothing here">Nothing is at this address.</Heading>
      <p class="lead">
        <a href="/">Overview</a>
      </p>
    </>
  );
}

function View(): JSX.Element {
  const at = route.value;
  switch (at.view) {
    case "overview":
      return <Overview />;
    case "connector":
      return <ConnectorView key={at.connector} name={at.connector} />;
    case "integration":
      return <IntegrationView key={`${at.connector}/${at.name}`} connector={at.connector} name={at.name} />;
    case "test":
      return <TestForm key={at.connector} connector={at.connector} />;
    case "secrets":
      return <Secrets />;
    case "secret":
      return <SecretView key={`${at.connector}/${at.id}`} connector={at.connector} id={at.id} />;
    case "tokens":
      return <Tokens />;
    case "add":
      return <AddConnector />;
    case "sign-in":
      return <SignIn />;
    case "nowhere":
      return <Nowhere />;
  }
}

/** The frame of the page: bar, banner, view, and what is read out. */
export function App(): JSX.Element {
  const who = session.value;
  const signedOut = who === null || route.value.view === "sign-in";
  return (
    <>
      <a class="skip" href="#view" target="_self">
        Skip to the content
      </a>
      {signedOut ? null : <Bar />}
      {signedOut ? null : <LostBanner />}
      <main id="view" class={signedOut ? "view is-sign-in" : "view"}>
        <PrintedFrom />
        {who === "asking" ? (
          sessionProblem.value === null ? (
            <Loading rows={6} />
          ) : (
            <Refused problem={sessionProblem.value} again={() => void startSession()} />
          )
        ) : (
          <View />
        )}
      </main>
      <div class="for-readers" role="status" aria-live="polite">
        {spokenNews.value}
      </div>
      <KeyList />
    </>
  );
}
