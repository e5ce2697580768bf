import { get } from "node:http";
import { isLoopback } from "../protocol/loopback.ts";

const PATIENCE_MS = 2_000;

/** Whether HTTP without TLS is spoken where TLS was expected. Asks for the page / and says nothing of who asks. */
export function speaksPlain(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const sent = get(`http://${host}/`, { signal, agent: false }, ({ statusCode }) => {
      // Some servers answer a plain request at their TLS port with 400.
      resolve(statusCode !== undefined && statusCode !== 400);
      sent.destroy();
    });
    sent.on("error", () => resolve(false));
  });
}

/** What is said of such a control plane. A plain address is for this machine alone: elsewhere it is the wrong port. */
export function plainWords(host: string): string {
  const remedy = isLoopback(new URL(`http://${host}`).hostname)
    ? `write --control-plane http://${host}`
    : "name the port at which it, or the proxy in front of it, speaks TLS";
  return `The control plane at ${host} speaks plain HTTP, not TLS: ${remedy}.`;
}
