import { timingSafeEqual } from "node:crypto";
import { hashOf } from "./enrolment.ts";

export type Role = "operator" | "viewer";

/** Who asks: what it may do, and what the audit log calls it. */
export interface Identity {
  readonly role: Role;
  readonly actor: string;
}

/** The page's session, from the request's cookie. Undefined where there is none. */
export type SessionOf = (request: { cookie: string | undefined }) => Identity | undefined;

/** Knows the two tokens by their hashes alone, and the page's sessions. */
export class Access {
  readonly #hashes: readonly (readonly [Role, Buffer])[];
  readonly #sessionOf: SessionOf;

  constructor(
    tokens: { readonly operator: string; readonly viewer: string },
    sessionOf: SessionOf = () => undefined,
  ) {
    this.#hashes = [
      ["operator", Buffer.from(hashOf(tokens.operator))],
      ["viewer", Buffer.from(hashOf(tokens.viewer))],
    ];
    this.#sessionOf = sessionOf;
  }

  /** Undefined: nobody that is known. */
  identify(request: { authorization: string | undefined; cookie: string | undefined }): Identity | undefined {
    const [, token] = /^Bearer (\S{1,512})$/i.exec(request.authorization ?? "") ?? [];
    if (token === undefined) return this.#sessionOf({ cookie: request.cookie });
    const given = Buffer.from(hashOf(token));
    let role: Role | undefined;
    // Every hash is compared, so that the time tells nothing.
    for (const [candidate, hash] of this.#hashes) if (timingSafeEqual(hash, given)) role ??= candidate;
    return role === undefined ? undefined : { role, actor: role };
  }
}
