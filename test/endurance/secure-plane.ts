import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import tls from "node:tls";
import { type Authority, createAuthority } from "../../src/demo/certificates.ts";
import { type Environment, folder, freePort, Plane } from "../process/programs.ts";

export interface SecureWish {
  /** HOST:PORT. */
  readonly listen: string;
  /** The URL that everybody uses: its host has the certificate. */
  readonly through: string;
  readonly environment?: Environment;
}

/** A control plane with TLS in the fast profile, unscaled. This process trusts its authority from then on. */
export class SecurePlane implements AsyncDisposable {
  readonly plane: Plane;
  readonly authority: Authority;
  /** The file of the authority's certificate. */
  readonly ca: string;
  readonly #parts: AsyncDisposableStack;

  private constructor(
    plane: Plane,
    trust: { authority: Authority; ca: string },
    parts: AsyncDisposableStack,
  ) {
    this.plane = plane;
    this.authority = trust.authority;
    this.ca = trust.ca;
    this.#parts = parts;
  }

  static async start({ listen, through, environment = {} }: SecureWish): Promise<SecurePlane> {
    await using parts = new AsyncDisposableStack();
    const { path } = parts.use(await folder());
    const authority = await createAuthority("a long run's");
    const { certPem, keyPem } = await authority.issue({ names: [new URL(through).hostname] });
    const [ca, cert, key] = [join(path, "ca.pem"), join(path, "tls.crt"), join(path, "tls.key")];
    await Promise.all([writeFile(ca, authority.certPem), writeFile(cert, certPem), writeFile(key, keyPem)]);
    tls.setDefaultCACertificates([...tls.getCACertificates("default"), authority.certPem]);
    const health = `127.0.0.1:${await freePort()}`;
    const flags = ["--liveness", "fast", "--tls-cert", cert, "--tls-key", key];
    const plane = parts.use(await Plane.start({ scale: 1, listen, health, through, environment, flags }));
    return new SecurePlane(plane, { authority, ca }, parts.move());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#parts.disposeAsync();
  }
}
