import { dial, type Target } from "../../dial/dial.ts";
import { codeOf, Failure } from "../../failure.ts";
import type { Run } from "../../run.ts";
import { isTurnedAway } from "./errors.ts";
import { askForTls } from "./ssl-request.ts";

/** Thinks a failure over before it is told. */
export type SecondThought = (failure: Failure) => Promise<Failure>;

/**
 * A server that turns a connection without encryption away may want encryption, or may not want us at all. Its
 * words differ by version and language, and it says "no encryption" in either case; so it is asked, once,
 * whether it offers any.
 */
export function doubtTurnedAway(run: Run, target: Target): SecondThought {
  let looking: Promise<boolean | undefined> | undefined;
  return async (failure) => {
    if (!isTurnedAway(failure.cause)) return failure;
    looking ??= offersTls(run, target);
    const wantsTls = (await looking) ?? failure.reason === "tls_required";
    const evidence = { code: codeOf(failure.cause) ?? "" };
    return wantsTls
      ? new Failure("tls", "tls_required", evidence, failure.cause)
      : new Failure("authenticate", "source_address_denied", evidence, failure.cause);
  };
}

/** A second look, by SSLRequest; undefined where it was not answered. */
async function offersTls(run: Run, target: Target): Promise<boolean | undefined> {
  const look = run.aside();
  try {
    const socket = await dial(look, target);
    await look.stage("tls", (signal) => askForTls(socket, signal));
    socket.destroy();
    return true;
  } catch (error) {
    return error instanceof Failure && error.reason === "tls_unsupported" ? false : undefined;
  }
}
