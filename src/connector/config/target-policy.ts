import { endpoint, literalAddress } from "../dial/address.ts";

/** A place that a check would dial. */
export interface Place {
  readonly host: string;
  readonly port: number;
}

/** `*` stands for any run of characters, dots included; everything else for itself, in small letters. */
function matches(pattern: string, text: string): boolean {
  const parts = pattern
    .toLowerCase()
    .split("*")
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(text);
}

/** Whether one of the patterns (`*.data.svc:5432`, `10.0.0.7:*`) allows the place. An address counts in its plain form. */
export function allowsPlace(patterns: readonly string[], { host, port }: Place): boolean {
  const name = (literalAddress(host) ?? host).toLowerCase().replace(/\.$/, "");
  return patterns.some((pattern) => {
    const colon = pattern.lastIndexOf(":");
    const wanted = pattern.slice(0, colon).replace(/^\[|\]$/g, "");
    return matches(wanted, name) && matches(pattern.slice(colon + 1), String(port));
  });
}

export function placeText({ host, port }: Place): string {
  return endpoint(host, port);
}
