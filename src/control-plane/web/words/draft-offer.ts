import type { Outcome } from "../api/shapes.ts";
import { fieldsOf, type Draft } from "./draft.ts";

/** The answer to a failure, where the control plane's own remedy holds it. */
export interface Offer {
  readonly label: string;
  readonly path: string;
  readonly value: string;
}

const MAPPING = /set secret\.fields\.(\w+) of \S+ to (\S+?)\.$/;

/** True for a step that the form offers as a button. */
export function isOffer(step: { readonly text: string }): boolean {
  return MAPPING.test(step.text);
}

/** Reads offers from the remedy: "set secret.fields.password of billing-db to pass." */
export function offerIn(outcome: Outcome): Offer | null {
  for (const { text } of outcome.remedy) {
    const field = MAPPING.exec(text);
    if (field?.[1] !== undefined && field[2] !== undefined)
      return {
        label: `Use “${field[2]}” as ${field[1]}`,
        path: `secret.fields.${field[1]}`,
        value: field[2],
      };
  }
  return null;
}

const CULPRITS: readonly (readonly [reasons: RegExp, paths: readonly string[]])[] = [
  [/^secret_field_/, ["secret.fields.", "secret.name"]],
  [/^(secret_|store_|credentials_|account_)/, ["secret.name", "secret.id", "secret.path", "secret.store"]],
  [/^database_not_found/, ["config.database"]],
  [/^(connection_refused|connect_timeout|protocol_mismatch)/, ["config.port", "config.url"]],
  [/^(dns_|address_|network_|unexpected_)/, ["config.host", "config.url"]],
  [/^(tls_|certificate_)/, ["config.tls.mode", "config.tls.serverName", "config.host", "config.url"]],
];

/** The field that a failure most likely is about. */
export function culpritOf(outcome: Outcome, draft: Draft): string | null {
  const offer = offerIn(outcome);
  if (offer !== null) return offer.path;
  // The policy forbids a target or a secret's place: of the former no single field is the culprit.
  if (outcome.reason === "policy_forbidden" && outcome.stage !== "secret") return null;
  const shown = fieldsOf(draft).map((field) => field.path);
  const [, paths] = CULPRITS.find(([reasons]) =>
    reasons.test(outcome.reason === "policy_forbidden" ? "secret_" : (outcome.reason ?? "")),
  ) ?? [null, []];
  return paths.find((path) => shown.includes(path)) ?? null;
}
