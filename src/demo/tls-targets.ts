import { createServer as createTlsServer } from "node:tls";
import { createAuthority, selfSigned } from "./certificates.ts";
import type { Secrets } from "./secrets.ts";
import { type DemoItem, listening, type Targets } from "./site.ts";

const DAY_MS = 86_400_000;

/** TLS targets: one that works, and three whose certificates do not, or not for long. */
export async function startTls(stack: AsyncDisposableStack, secrets: Secrets): Promise<Targets> {
  const authority = await createAuthority("Mooring demo");
  const ca = await secrets.writeText("ca.pem", authority.certPem);
  const names = ["127.0.0.1"];
  const now = Date.now();
  const certificates = {
    gateway: await authority.issue({ names }),
    partner: await authority.issue({ names, notAfter: new Date(now - 3 * DAY_MS) }),
    webhooks: await authority.issue({ names, notAfter: new Date(now + 5 * DAY_MS) }),
    legacy: await selfSigned({ names }),
  };
  const items: DemoItem[] = [];
  for (const [name, { certPem, keyPem }] of Object.entries(certificates)) {
    const server = createTlsServer({ cert: certPem, key: keyPem }, (socket) => socket.on("error", () => {}));
    server.on("tlsClientError", () => {});
    const port = await listening(server, stack);
    items.push({ name, type: "tls", config: { host: "127.0.0.1", port, tls: { ca } } });
  }
  return { items, toggles: [] };
}
