import type { z } from "zod";
import type { Identity, Role } from "../access.ts";

/** What a route's handler is given. */
export interface Call<Query, Body> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly identity: Identity;
  /** SHA-256 of the Idempotency-Key with who asks, or null. */
  readonly idempotency: string | null;
}

/** One call of the API, as it is served and as the OpenAPI document tells it. */
export interface Route {
  readonly method: "get" | "post" | "delete";
  /** Below /api/v1, with {names}. */
  readonly path: string;
  readonly role: Role;
  readonly says: string;
  readonly query?: z.ZodType | undefined;
  readonly body?: z.ZodType | undefined;
  readonly status: 200 | 202 | 204;
  readonly answer?: z.ZodType | undefined;
  handle(call: Call<unknown, unknown>): Promise<unknown>;
}

interface Typed<Query extends z.ZodType, Body extends z.ZodType> {
  readonly method: Route["method"];
  readonly path: string;
  readonly role: Role;
  readonly says: string;
  readonly query?: Query;
  readonly body?: Body;
  readonly status: Route["status"];
  readonly answer?: z.ZodType;
  readonly handle: (call: Call<z.infer<Query>, z.infer<Body>>) => Promise<unknown>;
}

/** A route whose handler sees its query and body typed: they are parsed before. */
export function route<Query extends z.ZodType, Body extends z.ZodType>(typed: Typed<Query, Body>): Route {
  return { ...typed, handle: (call) => typed.handle(call as Call<z.infer<Query>, z.infer<Body>>) };
}
