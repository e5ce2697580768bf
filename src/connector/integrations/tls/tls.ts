import { z } from "zod";
import { endpoint } from "../../dial/address.ts";
import { certificateLeft, dial, handshake } from "../../dial/dial.ts";
import { duration, host, namedProxy, port, proxy, verifyingTls } from "../../dial/target-config.ts";
import { isoDate } from "../../dial/tls.ts";
import { durationWords } from "../../duration.ts";
import type { Run } from "../../run.ts";
import type { IntegrationType } from "../integration.ts";

const FOURTEEN_DAYS = 14 * 86_400_000;

const config = z.strictObject({
  host,
  port,
  tls: verifyingTls.optional(),
  expiresWithin: duration({ least: "1h", most: "3650d" })
    .optional()
    .describe("warn this long before the certificate expires; default 14d"),
  proxy: proxy.optional(),
});
type Config = z.infer<typeof config>;

/** A TLS endpoint: its certificate is valid, trusted and for this name, and does not end soon. */
export const tls: IntegrationType<Config> = {
  type: "tls",
  summary: "A TLS endpoint: the handshake, and the certificate's validity, issuer, names and expiry.",
  config,
  stages: () => ["resolve", "connect", "tls"],
  address: (config) => endpoint(config.host, config.port),
  target: ({ host, port }) => ({ host, port, protection: "verified" }),
  facts: () => ({ protocol: "TLS" }),
  coverage: () => ["That the program behind TLS answers: nothing was sent."],
  files: (config) => (config.tls?.ca === undefined ? [] : [{ path: ["tls", "ca"], file: config.tls.ca }]),
  async open(config, run) {
    const raw = await dial(run, { ...config, proxy: namedProxy(config.proxy) });
    const { socket, certificate } = await handshake(run, raw, config.host, { mode: "verify", ...config.tls });
    const left = certificateLeft(certificate, run.clock.now());
    judgeExpiry(run, left, isoDate(certificate.valid_to), config.expiresWithin ?? FOURTEEN_DAYS);
    return {
      [Symbol.asyncDispose]: () => {
        socket.destroy();
        return Promise.resolve();
      },
    };
  },
};

function judgeExpiry(run: Run, left: number | undefined, notAfter: string, within: number): void {
  if (left === undefined) return;
  const soon = left <= within;
  run.find({
    subject: "certificate",
    verdict: soon ? "failed" : "passed",
    text: `expires at ${notAfter}, in ${durationWords(left)}`,
  });
  if (soon) run.warn("tls", "certificate_expiring", { notAfter, left: durationWords(left) });
}
