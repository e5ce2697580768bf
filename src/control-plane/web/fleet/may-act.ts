import { session } from "./session.ts";

/** True for an operator: a viewer may look, not touch. Follows the session. */
export function mayAct(): boolean {
  const who = session.value;
  return who !== null && who !== "asking" && who.role === "operator";
}
