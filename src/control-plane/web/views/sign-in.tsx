import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Problem } from "../api/call.ts";
import { sessionProblem, signIn } from "../fleet/session.ts";
import { Heading } from "../parts/heading.tsx";
import { Logo } from "../parts/icon.tsx";
import { FieldError } from "../parts/field.tsx";

/** One field, and where to find what belongs in it. */
export function SignIn(): JSX.Element {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState<Problem | null>(sessionProblem.peek());
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const submit = (event: Event): void => {
    event.preventDefault();
    const proof = token.trim();
    if (proof === "" || busy) return;
    setBusy(true);
    signIn({ token: proof })
      .catch((error: unknown) => {
        if (!(error instanceof Problem)) throw error;
        setProblem(error);
        field.current?.focus();
        field.current?.select();
      })
      .finally(() => setBusy(false));
  };
  const words =
    problem === null
      ? null
      : problem.status === 401
        ? "This token is not known here."
        : `${problem.title}. ${problem.message}`;
  return (
    <div class="sign-in">
      <div class="sign-in-brand">
        <Logo />
        <span>Mooring</span>
      </div>
      <form class="card" onSubmit={submit}>
        <Heading title="Sign in">Sign in</Heading>
        <label class="field">
          <span class="field-name">Operator token</span>
          <input
            ref={field}
            class="input mono"
            type="password"
            name="token"
            autocomplete="current-password"
            spellcheck={false}
            value={token}
            aria-invalid={words !== null}
            aria-describedby={words === null ? "token-hint" : "token-error token-hint"}
            onInput={(event) => {
              setToken(event.currentTarget.value);
              setProblem(null);
            }}
          />
          <FieldError id="token-error" text={words} />
        </label>
        <p id="token-hint" class="hint">
          The control plane wrote it to <code>operator-token</code> in its data folder when it first started,
          and printed the path. A viewer token looks and does not touch.
        </p>
        <button type="submit" class="button is-main is-wide" aria-disabled={busy}>
          {busy ? "Signing in" : "Sign in"}
        </button>
      </form>
    </div>
  );
}
