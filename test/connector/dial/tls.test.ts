import { connect } from "node:net";
import { createSecureContext } from "node:tls";
import { describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../src/connector/clock.ts";
import { secure, type Secured } from "../../../src/connector/dial/tls.ts";
import { createAuthority } from "../../../src/demo/certificates.ts";
import { tlsServer } from "../../fake/targets.ts";

describe("a server that sends its issuer's certificate too", () => {
  // What is taken out of OpenSSL's chain is never freed: a connector that looks often would grow without end.
  test.each([
    { verify: true, how: "trusted" },
    { verify: false, how: "not judged" },
  ])("keeps the whole chain in the connection: $how", async ({ verify }) => {
    const authority = await createAuthority("the issuer");
    const { certPem, keyPem } = await authority.issue({ names: ["localhost"] });
    await using server = await tlsServer({ cert: `${certPem}\n${authority.certPem}`, key: keyPem });

    const context = createSecureContext({ ca: verify ? authority.certPem : [] });
    const { socket, certificate } = await secured(server.port, { context, verify });

    expect(socket.getPeerCertificate(true).issuerCertificate.subject.CN).toBe("the issuer");
    expect(certificate.valid_to).toBe(socket.getPeerCertificate().valid_to);
    expect(Date.parse(certificate.valid_to)).toBeGreaterThan(Date.now());
  });
});

async function secured(
  port: number,
  options: Pick<Parameters<typeof secure>[0], "context" | "verify">,
): Promise<Secured> {
  const socket = connect(port, "127.0.0.1");
  await new Promise((resolve) => socket.once("connect", resolve));
  onTestFinished(() => void socket.destroy());
  const { signal } = new AbortController();
  return secure({ socket, serverName: "localhost", clock: systemClock, signal, ...options });
}
