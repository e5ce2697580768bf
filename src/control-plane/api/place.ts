import { z } from "zod";
import { printable } from "../../protocol/words.ts";
import type { Clock, Random } from "../clock.ts";
import type { Commands } from "../commands.ts";
import type { EnrolmentPlace } from "../enrolment.ts";
import type { Hub } from "../hub.ts";
import type { Liveness } from "../liveness.ts";
import type { Publisher } from "../publisher.ts";
import type { Samples } from "../samples.ts";
import type { ConnectorRow } from "../store/rows.ts";
import type { Store } from "../store/store.ts";
import type { View } from "../view.ts";
import { notFound } from "./problem.ts";

/** What the routes work with. */
export interface ApiPlace {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly view: View;
  readonly hub: Hub;
  readonly liveness: Liveness;
  readonly commands: Commands;
  readonly samples: Samples;
  readonly publisher: Publisher;
  readonly enrolment: EnrolmentPlace;
}

/** A connector's name is a DNS label. */
export const connectorName = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
    "must be a DNS label: a-z, 0-9 and -, at most 63 characters",
  );

/** The connector of that name. Throws a 404. */
export async function connectorNamed(place: ApiPlace, name: string | undefined): Promise<ConnectorRow> {
  const row = await place.store.connectorByName(name ?? "");
  if (row === undefined) throw notFound(`connector ${printable(name ?? "", 80)}`);
  return row;
}

/** Writes down what somebody did. */
export async function audit(
  place: ApiPlace,
  entry: { actor: string; action: string; target: string; outcome: string },
): Promise<void> {
  await place.store.transact((tx) => tx.addAudit({ at: place.clock.now(), ...entry }));
}

/** A connector that was not known before shows as never connected. */
export async function tellNew(place: ApiPlace, name: string): Promise<void> {
  const row = await place.store.connectorByName(name);
  if (row === undefined || place.liveness.state(row.id) !== undefined) return;
  place.liveness.restore(row.id, row.state);
  place.publisher.connector(row.id);
}
