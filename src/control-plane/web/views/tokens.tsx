import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { get, Problem, send } from "../api/call.ts";
import type { JoinToken, Page } from "../api/shapes.ts";
import { announce } from "../fleet/announce.ts";
import { connectorHref } from "../fleet/hrefs.ts";
import { notLive } from "../fleet/link.ts";
import { mayAct } from "../fleet/may-act.ts";
import { now } from "../fleet/now.ts";
import { Moment } from "../parts/age.tsx";
import { Heading } from "../parts/heading.tsx";
import { Icon } from "../parts/icon.tsx";
import { Loading, Refused } from "../parts/standing.tsx";

function Ends({ token }: { readonly token: JoinToken }): JSX.Element {
  if (token.usedAt !== null)
    return (
      <span class="ok-text">
        used <Moment at={token.usedAt} />
      </span>
    );
  const over = Date.parse(token.expiresAt) <= now.value;
  return (
    <span class={over ? "faint" : ""}>
      {over ? "ended" : "ends"} <Moment at={token.expiresAt} />
    </span>
  );
}

/** Join tokens: for which connector, by whom, until when, used or not. Never their value. */
export function Tokens(): JSX.Element {
  const [tokens, setTokens] = useState<readonly JoinToken[] | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  const read = (): void => {
    get<Page<JoinToken>>("/tokens?limit=200").then(
      (page) => {
        setTokens(page.items);
        setProblem(null);
      },
      (error: unknown) => {
        if (error instanceof Problem) setProblem(error);
        else throw error;
      },
    );
  };
  useEffect(read, []);
  const revoke = (token: JoinToken): void => {
    send("DELETE", `/tokens/${encodeURIComponent(token.id)}`).then(
      () => {
        announce(`Token for ${token.connector} revoked.`);
        read();
      },
      (error: unknown) => {
        if (error instanceof Problem) setProblem(error);
        else throw error;
      },
    );
  };
  return (
    <>
      <div class="head">
        <div class="head-words">
          <Heading title="Tokens">Join tokens</Heading>
          <p class="lead">
            A join token lets one connector enrol, once. Its value was shown when it was made, and never
            again.
          </p>
        </div>
        {mayAct() && (
          <div class="actions">
            <a class="button is-main" href="/add">
              <Icon name="plus" />
              Add a connector
            </a>
          </div>
        )}
      </div>
      {problem !== null && <Refused problem={problem} again={read} />}
      {tokens === null && problem === null && <Loading rows={3} />}
      {tokens !== null && tokens.length === 0 && (
        <p class="card nothing">No token. {mayAct() && <a href="/add">Add a connector</a>}</p>
      )}
      {tokens !== null && tokens.length > 0 && (
        <div class="card is-flush">
          <table class="token-table">
            <thead>
              <tr>
                <th scope="col">Connector</th>
                <th scope="col">Made by</th>
                <th scope="col">Made</th>
                <th scope="col">State</th>
                <th scope="col">
                  <span class="for-readers">Revoke</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {tokens.map((token) => (
                <tr key={token.id}>
                  <th scope="row">
                    <a href={connectorHref(token.connector)} data-row="">
                      {token.connector}
                    </a>
                  </th>
                  <td>{token.createdBy ?? "operator"}</td>
                  <td>{typeof token.createdAt === "string" && <Moment at={token.createdAt} />}</td>
                  <td>
                    <Ends token={token} />
                  </td>
                  <td class="act">
                    {mayAct() && token.usedAt === null && Date.parse(token.expiresAt) > now.value && (
                      <button
                        type="button"
                        class="button is-small"
                        aria-disabled={notLive.value}
                        onClick={() => revoke(token)}
                      >
                        Revoke<span class="for-readers"> the token of {token.connector}</span>
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
