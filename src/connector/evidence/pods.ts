import type { Pod } from "./shapes.ts";

/** A word of the cluster's: a reason in CamelCase. What is none is not repeated. */
function word(reason: string | null | undefined): string {
  return reason !== undefined && reason !== null && /^[A-Za-z][A-Za-z0-9]{0,63}$/.test(reason) ? reason : "";
}

export function isReady({ metadata, status }: Pod): boolean {
  if (metadata.deletionTimestamp !== undefined && metadata.deletionTimestamp !== null) return false;
  return status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
}

/** Why a Pod takes no traffic, in a few words, from what hinders most. */
export function whyNotReady({ metadata, status }: Pod): string {
  if (metadata.deletionTimestamp !== undefined && metadata.deletionTimestamp !== null)
    return "it is being deleted";
  const unscheduled = status?.conditions?.find(
    ({ type, status }) => type === "PodScheduled" && status === "False",
  );
  if (unscheduled !== undefined) return `no node takes it (${word(unscheduled.reason) || "Pending"})`;
  const containers = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  for (const { name, state, lastState, restartCount } of containers) {
    const waiting = word(state?.waiting?.reason);
    const before = lastState?.terminated;
    const over = state?.terminated ?? before;
    const ending = word(over?.reason) || (over?.exitCode == null ? "" : `exit code ${over.exitCode}`);
    // Between two waits it has just ended.
    if (waiting === "CrashLoopBackOff" || (state?.terminated != null && restartCount > 0))
      return `container ${name} ends again and again (CrashLoopBackOff, ${restartCount} restarts${ending === "" ? "" : `, last ${ending}`})`;
    if (waiting !== "" && waiting !== "ContainerCreating" && waiting !== "PodInitializing")
      return `container ${name} cannot start (${waiting})`;
  }
  for (const { name, ready, state } of status?.containerStatuses ?? []) {
    const { terminated } = state ?? {};
    if (terminated != null)
      return `container ${name} has ended (${word(terminated.reason) || `exit code ${terminated.exitCode ?? "unknown"}`})`;
    if (!ready && state?.running != null)
      return `container ${name} runs, and its readiness probe does not pass`;
  }
  const reason = word(status?.reason);
  return `it is ${status?.phase ?? "Unknown"}${reason === "" ? "" : ` (${reason})`}`;
}
