import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { Hono, type Context, type MiddlewareHandler } from "hono";
import { deleteCookie, setCookie } from "hono/cookie";
import { parse } from "hono/utils/cookie";

export type Role = "operator" | "viewer";

/** What the sign-in needs. Tokens themselves are never kept: hashes are. */
export interface SignInOptions {
  /** SHA-256 of each role's token; a role without one cannot sign in. */
  readonly hashes: Readonly<Partial<Record<Role, Buffer>>>;
  /** The origin that is told, for the cookie's name and whether it travels over TLS alone. */
  readonly origin: string;
  /** The origins that may change something with a session: scheme, host and port. */
  readonly isOrigin: (origin: string) => boolean;
  /** Now, epoch ms. */
  readonly now: () => number;
  /** What `GET /session` tells beside the role. */
  readonly about: Readonly<Record<string, string | null>>;
}

const SESSION_MS = 12 * 3_600_000;
const LINK_MS = 5 * 60_000;
/** A page of another origin cannot send it without being asked first. */
const PAGE_HEADER = "mooring-page";

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function same(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function problem(context: Context, status: 400 | 401 | 403, title: string, detail: string): Response {
  return context.json({ type: "about:blank", title, status, detail }, status, {
    "content-type": "application/problem+json",
  });
}

/**
 * Sessions of the page: a cookie that is signed with a key made from the role's token hash. So it outlives a restart,
 * and ends with a new token, after twelve hours, or with the sign-out.
 */
export class SignIn {
  readonly #options: SignInOptions;
  readonly #cookie: string;
  readonly #secure: boolean;
  /** Signed out before their time: session → its end. */
  readonly #ended = new Map<string, number>();
  readonly #links = new Map<string, number>();

  constructor(options: SignInOptions) {
    this.#options = options;
    const { protocol, port } = new URL(options.origin);
    this.#secure = protocol === "https:";
    // Cookies do not tell ports apart: two control planes on one machine must not sign each other out.
    this.#cookie = this.#secure ? "__Host-mooring" : `mooring-${port === "" ? "80" : port}`;
  }

  /** A one-use word for a link, good for five minutes: put it into the fragment, `/sign-in#link=WORD`. */
  makeLink(): string {
    const word = randomBytes(24).toString("base64url");
    this.#links.set(sha256(word).toString("hex"), this.#options.now() + LINK_MS);
    return word;
  }

  /** The role of a token, compared in constant time, or null. */
  roleOf(token: string): Role | null {
    const hash = sha256(token);
    for (const role of ["operator", "viewer"] as const) {
      const known = this.#options.hashes[role];
      if (known !== undefined && same(hash, known)) return role;
    }
    return null;
  }

  /** The role that the session in a Cookie header has, or null. */
  sessionOf(cookies: string | undefined): Role | null {
    const [role, ends, nonce, mark] = this.#parts(cookies);
    if (
      (role !== "operator" && role !== "viewer") ||
      ends === undefined ||
      nonce === undefined ||
      mark === undefined
    )
      return null;
    const expected = this.#sign(role, `${role}.${ends}.${nonce}`);
    if (expected === null || !same(Buffer.from(mark, "base64url"), expected)) return null;
    if (Number(ends) <= this.#options.now() || this.#ended.has(nonce)) return null;
    return role;
  }

  #parts(cookies: string | undefined): string[] {
    return (cookies === undefined ? "" : (parse(cookies, this.#cookie)[this.#cookie] ?? "")).split(".");
  }

  /** True where a request with a session may change something: from our own page, by its Origin and its header. */
  isOurPage(context: Context): boolean {
    const site = context.req.header("sec-fetch-site");
    return (
      this.#options.isOrigin(context.req.header("origin") ?? "") &&
      context.req.header(PAGE_HEADER) === "1" &&
      (site === undefined || site === "same-origin")
    );
  }

  /** Refuses what another page might do with a session: a change needs our own page, unless a bearer token asks. */
  guard(): MiddlewareHandler {
    return async (context, next) => {
      const { method } = context.req;
      const isRead = method === "GET" || method === "HEAD" || method === "OPTIONS";
      if (isRead || context.req.header("authorization") !== undefined) return next();
      if (this.sessionOf(context.req.header("cookie")) === null || this.isOurPage(context)) return next();
      return problem(context, 403, "Not from this page", "A session acts from the page alone.");
    };
  }

  /** `GET`, `POST` and `DELETE /session`: who looks (role null: nobody), sign-in, sign-out. */
  routes(): Hono {
    const routes = new Hono();
    routes.get("/session", (context) => {
      const role = this.sessionOf(context.req.header("cookie"));
      return context.json(role === null ? { role } : { role, ...this.#options.about });
    });
    routes.post("/session", async (context) => {
      if (!this.isOurPage(context))
        return problem(context, 403, "Not from this page", "Sign in on the page itself.");
      const body: unknown = await context.req.json().catch(() => null);
      const role = this.#roleOfProof(body);
      if (role === null) return problem(context, 401, "This token is not known here", "");
      this.#begin(context, role);
      return context.json({ role, ...this.#options.about });
    });
    routes.delete("/session", (context) => {
      if (!this.isOurPage(context))
        return problem(context, 403, "Not from this page", "Sign out on the page itself.");
      const cookies = context.req.header("cookie");
      const [, ends, nonce] = this.#parts(cookies);
      if (nonce !== undefined && this.sessionOf(cookies) !== null) this.#ended.set(nonce, Number(ends));
      deleteCookie(context, this.#cookie, { path: "/", secure: this.#secure });
      return context.body(null, 204);
    });
    return routes;
  }

  #roleOfProof(body: unknown): Role | null {
    if (typeof body !== "object" || body === null) return null;
    if ("token" in body && typeof body.token === "string") return this.roleOf(body.token.trim());
    if ("link" in body && typeof body.link === "string") return this.#useLink(body.link) ? "operator" : null;
    return null;
  }

  #useLink(word: string): boolean {
    const key = sha256(word).toString("hex");
    const ends = this.#links.get(key);
    this.#links.delete(key);
    return ends !== undefined && ends > this.#options.now();
  }

  #begin(context: Context, role: Role): void {
    const now = this.#options.now();
    for (const [nonce, ends] of this.#ended) if (ends <= now) this.#ended.delete(nonce);
    const claim = `${role}.${now + SESSION_MS}.${randomBytes(12).toString("base64url")}`;
    const mark = this.#sign(role, claim);
    if (mark === null) return;
    setCookie(context, this.#cookie, `${claim}.${mark.toString("base64url")}`, {
      path: "/",
      httpOnly: true,
      sameSite: "Strict",
      secure: this.#secure,
      maxAge: SESSION_MS / 1000,
    });
  }

  #sign(role: Role, claim: string): Buffer | null {
    const hash = this.#options.hashes[role];
    if (hash === undefined) return null;
    const key = createHmac("sha256", hash).update("mooring page session").digest();
    return createHmac("sha256", key).update(claim).digest();
  }
}
