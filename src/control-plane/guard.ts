import type { Context, Next } from "hono";
import { ApiProblem, problemResponse } from "./api/problem.ts";
import type { Origins } from "./origin.ts";

const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

/** Refuses other hosts and pages of other origins, and sets what browsers must keep. */
export async function guard(origins: Origins, c: Context, next: Next): Promise<Response | undefined> {
  const origin = c.req.header("origin");
  if (!origins.isHost(c.req.header("host")))
    return problemResponse(
      new ApiProblem(421, "bad_host", "This host is not served here. See --public-url."),
    );
  if (origin !== undefined && !origins.isOrigin(origin))
    return problemResponse(new ApiProblem(403, "bad_origin", "Pages of other origins may not ask."));
  await next();
  for (const [name, value] of Object.entries(HEADERS)) {
    if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  }
  if (!c.res.headers.has("cache-control")) c.res.headers.set("cache-control", "no-store");
  if (origins.audiences[0].startsWith("https:"))
    c.res.headers.set("strict-transport-security", "max-age=31536000");
  return undefined;
}
