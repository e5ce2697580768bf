import { X509Certificate } from "node:crypto";
import tls from "node:tls";
import { expect, test } from "vitest";
import { createAuthority, type KeyedCertificate, selfSigned } from "../../src/demo/certificates.ts";
import { tlsServer } from "./targets.ts";

const DAY_MS = 86_400_000;
const authority = await createAuthority("Mooring, tests");

/** What a client that trusts `ca` and expects `name` makes of a certificate: "trusted" or the error's code. */
async function judge(pair: KeyedCertificate, { name = "db.example", ca = authority.certPem } = {}) {
  await using server = await tlsServer({ key: pair.keyPem, cert: pair.certPem });
  const socket = tls.connect({ host: server.host, port: server.port, servername: name, ca });
  const verdict = await new Promise<string>((resolve) => {
    socket.once("secureConnect", () => resolve("trusted"));
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
  });
  socket.destroy();
  return verdict;
}

test("a good certificate is trusted, for any of its names", async () => {
  const good = await authority.issue({ names: ["db.example", "*.wild.example"] });
  expect(await judge(good)).toBe("trusted");
  expect(await judge(good, { name: "a.wild.example" })).toBe("trusted");
  expect(await judge(good, { name: "other.example" })).toBe("ERR_TLS_CERT_ALTNAME_INVALID");
});

test("addresses are addresses", async () => {
  const { certPem } = await authority.issue({ names: ["db.example", "127.0.0.1", "::1"] });
  const certificate = new X509Certificate(certPem);
  const names = "DNS:db.example, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1";
  expect(certificate.subjectAltName).toBe(names);
  expect(certificate.checkIP("::1")).toBe("::1");
});

test("validity", async () => {
  const past = new Date(Date.now() - DAY_MS);
  const future = new Date(Date.now() + DAY_MS);
  const names = ["db.example"];
  expect(await judge(await authority.issue({ names, notAfter: past }))).toBe("CERT_HAS_EXPIRED");
  expect(await judge(await authority.issue({ names, notBefore: future }))).toBe("CERT_NOT_YET_VALID");
});

test("strangers", async () => {
  const names = ["db.example"];
  const other = await createAuthority("other");
  expect(await judge(await other.issue({ names }))).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  expect(await judge(await selfSigned({ names }))).toBe("DEPTH_ZERO_SELF_SIGNED_CERT");
  const sameName = await createAuthority("Mooring, tests");
  expect(await judge(await sameName.issue({ names }))).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
});

test("a client's certificate is none for a server", async () => {
  const client = await authority.issue({ names: ["db.example"], client: true });
  expect(await judge(client)).toBe("INVALID_PURPOSE");
});
