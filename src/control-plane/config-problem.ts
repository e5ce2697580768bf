import { printable } from "../protocol/words.ts";
import type { SessionPlace } from "./session-place.ts";
import { withoutTrouble, withTrouble } from "./troubles.ts";

/** Stores that the connector refused its configuration, or that it took it. */
export async function tellConfigProblem(
  place: SessionPlace,
  connectorId: string,
  problem: string | null,
): Promise<void> {
  const changed = await place.store.transact(async (tx) => {
    const row = await tx.connector(connectorId);
    if (row === undefined) return false;
    const before = row.troubles.find(({ reason }) => reason === "config_invalid");
    if (problem === null && before === undefined) return false;
    const evidence = { connector: row.name, problem: printable(problem ?? "", 500) };
    const at = place.clock.now();
    const next =
      problem === null
        ? withoutTrouble(row, "config_invalid")
        : withTrouble(row, { reason: "config_invalid", evidence, at });
    await tx.putConnector(next);
    return true;
  });
  if (changed) place.notify.connector(connectorId);
}
