import type { Socket } from "node:net";
import type { Client } from "pg";
import { byStageOrder, type Stage } from "../../../protocol/stages.ts";
import { assertStanding } from "../../dial/connect.ts";
import { codeOf, Failure } from "../../failure.ts";
import type { Run } from "../../run.ts";
import { explain } from "./errors.ts";
import { Wire } from "./wire.ts";

export interface Account {
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/**
 * Walks respond and authenticate over a socket that stands, and into authorize up to the moment when the server
 * is ready for queries. The driver knows one thing, connected or not; how far the server's own messages had come
 * tells the stages apart.
 */
export async function login(run: Run, socket: Socket, account: Account): Promise<Client> {
  const { default: pg } = await import("pg");
  const wire = run.own(new Wire(socket));
  const client = new pg.Client({
    ...account,
    stream: () => wire,
    ssl: false,
    application_name: "mooring",
    host: "dialled",
    port: 1,
  });
  client.on("error", () => {}); // Also told by whatever is under way.
  let connected: Promise<unknown> | undefined;
  await run.stage("respond", async () => {
    assertStanding(socket);
    connected = client.connect();
    return until(wire.asked, connected, "respond", wire);
  });
  await run.stage("authenticate", () => until(wire.authenticated, connected, "authenticate", wire));
  await run.stage("authorize", () => until(new Promise(() => {}), connected, "authorize", wire));
  return client;
}

/**
 * Waits for a milestone of the login, or for its end. An error that belongs to a later stage lets this one pass:
 * the server answered, and what it said is told where it belongs.
 */
async function until(
  milestone: Promise<void>,
  connected: Promise<unknown> | undefined,
  stage: Stage,
  wire: Wire,
): Promise<void> {
  try {
    await Promise.race([milestone, connected]);
  } catch (error) {
    const told = explainEnd(error, stage, wire.hasAnswered ? "a part" : "");
    if (told instanceof Failure && byStageOrder(told.stage, stage) > 0) return;
    throw told;
  }
}

/** What a query of a session throws, with the session's end told as such. */
export async function ending<T>(stage: Stage, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw explainEnd(error, stage, "a part");
  }
}

function explainEnd(error: unknown, stage: Stage, answered: string): unknown {
  const known = error instanceof Failure ? error : explain(error, stage);
  if (known !== undefined) return known;
  const code = codeOf(error);
  // The driver has no code for a close.
  const closed = error instanceof Error && error.message === "Connection terminated unexpectedly";
  if (!closed && code !== "ECONNRESET" && code !== "EPIPE") return error;
  const how = closed ? "closed" : "reset";
  return new Failure("respond", "connection_reset", { how, answered }, error);
}
