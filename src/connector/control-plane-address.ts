import { isLoopback } from "../protocol/loopback.ts";

/** The control plane's address, judged. */
export interface ControlPlaneAddress {
  /** `https://HOST[:PORT]`, or `http://` for loopback: the audience of tokens. */
  readonly origin: string;
  readonly isSecure: boolean;
  readonly host: string;
}

const PROTOCOLS: Readonly<Record<string, "http:" | "https:">> = {
  "http:": "http:",
  "ws:": "http:",
  "https:": "https:",
  "wss:": "https:",
};

/** The address that a text means, or what is wrong with it in one sentence. */
export function parseControlPlane(text: string): ControlPlaneAddress | { readonly trouble: string } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const protocol = url === undefined ? undefined : PROTOCOLS[url.protocol];
  if (url === undefined || protocol === undefined || url.hostname === "")
    return { trouble: `${JSON.stringify(text)} is not the address of a control plane; write https://HOST.` };
  if (url.username !== "" || url.password !== "")
    return {
      trouble: "The control plane's address holds a login; leave it out, the connector has its own key.",
    };
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "")
    return { trouble: `The control plane's address ends after the host: write ${protocol}//${url.host}.` };
  const isSecure = protocol === "https:";
  if (!isSecure && !isLoopback(url.hostname))
    return { trouble: `${text} is plain and leaves this machine; write https://${url.host}.` };
  return { origin: `${protocol}//${url.host}`, isSecure, host: url.host };
}
