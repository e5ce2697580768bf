import type { Socket } from "node:net";
import type { Client } from "pg";
import { byStageOrder, type Stage } from "../../../protocol/stages.ts";
import { assertStanding } from "../../dial/connect.ts";
import { codeOf, Failure } from "../../failure.ts";
import type { Run } from "../../run.ts";
import { explain } from "./errors.ts";
import type { SecondThought } from "./turned-away.ts";
import { Wire } from "./wire.ts";

export interface Account {
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/**
 * Walks respond and authenticate over a socket that stands, and into authorize up to the moment when the server
 * is ready for queries. The driver knows one thing, connected or not; how far the server's own messages had come
 * tells the stages apart. An error that belongs to a later stage lets this one pass: the server answered, and
 * what it said is told where it belongs.
 */
export async function login(
  run: Run,
  socket: Socket,
  account: Account,
  secondThought: SecondThought,
): Promise<Client> {
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
  withoutEnvironment(client);
  client.on("error", () => {}); // Also told by whatever is under way.
  let connected: Promise<unknown> | undefined;
  const reach = (milestone: Promise<void>, stage: Stage): Promise<void> =>
    until(milestone, connected, stage, wire).catch(async (error: unknown) => {
      const told = error instanceof Failure ? await secondThought(error) : error;
      if (told instanceof Failure && byStageOrder(told.stage, stage) > 0) return;
      throw told;
    });
  await run.stage("respond", async () => {
    assertStanding(socket);
    connected = client.connect();
    return reach(wire.asked, "respond");
  });
  await run.stage("authenticate", () => reach(wire.authenticated, "authenticate"));
  await run.stage("authorize", () => reach(new Promise(() => {}), "authorize"));
  return client;
}

/** The driver takes PGOPTIONS and PGREPLICATION of our own environment: they are not meant for a target. */
function withoutEnvironment(client: Client): void {
  const parameters: unknown = Reflect.get(client, "connectionParameters");
  if (typeof parameters !== "object" || parameters === null) return;
  Object.assign(parameters, { options: undefined, replication: undefined });
}

/** Waits for a milestone of the login, or for its end, which is explained. */
async function until(
  milestone: Promise<void>,
  connected: Promise<unknown> | undefined,
  stage: Stage,
  wire: Wire,
): Promise<void> {
  try {
    await Promise.race([milestone, connected]);
  } catch (error) {
    throw explainEnd(error, stage, wire.hasAnswered ? "a part" : "");
  }
}

/** What a login or a query throws, with the session's end told as such. */
export function explainEnd(error: unknown, stage: Stage, answered: string): unknown {
  const known = error instanceof Failure ? error : explain(error, stage);
  if (known !== undefined) return known;
  const code = codeOf(error);
  // The driver has no code for a close.
  const closed = error instanceof Error && error.message === "Connection terminated unexpectedly";
  if (!closed && code !== "ECONNRESET" && code !== "EPIPE") return error;
  const how = closed ? "closed" : "reset";
  return new Failure("respond", "connection_reset", { how, answered }, error);
}
