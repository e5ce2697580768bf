import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { Hono, type Context } from "hono";

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  woff2: "font/woff2",
};

/** Everything from this origin, nothing inline, nothing evaluated, nothing framed. */
const HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

const NOT_BUILT = "The page was not built. Run: npm run build:web\n";

interface File {
  readonly body: Buffer<ArrayBuffer>;
  readonly zipped: Buffer<ArrayBuffer> | null;
  readonly type: string;
  readonly etag: string;
  /** Its name holds a hash of its content, so that it never changes. */
  readonly immutable: boolean;
}

function read(directory: string): ReadonlyMap<string, File> {
  const files = new Map<string, File>();
  let names: string[];
  try {
    names = readdirSync(directory, { recursive: true, encoding: "utf8" });
  } catch {
    return files; // said to whoever opens the page
  }
  for (const name of names) {
    const type = TYPES[name.slice(name.lastIndexOf(".") + 1)];
    if (type === undefined) continue;
    const body = readFileSync(join(directory, name));
    const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    const path = `/${name.split(sep).join("/")}`;
    const zipped = name.endsWith(".woff2") ? null : gzipSync(body, { level: 9 });
    files.set(path, { body, zipped, type, etag, immutable: path.startsWith("/assets/") });
  }
  return files;
}

function answer(context: Context, file: File, status: 200 | 404): Response {
  for (const [name, value] of Object.entries(HEADERS)) context.header(name, value);
  context.header("cache-control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache");
  context.header("etag", file.etag);
  context.header("vary", "accept-encoding");
  if (status === 200 && context.req.header("if-none-match") === file.etag) return context.body(null, 304);
  context.header("content-type", file.type);
  const zipped = file.zipped !== null && /\bgzip\b/.test(context.req.header("accept-encoding") ?? "");
  if (zipped) context.header("content-encoding", "gzip");
  return context.body(zipped && file.zipped !== null ? file.zipped : file.body, status);
}

/**
 * Where the built page is, seen from a module's own address: beside the bundle (`dist/web`), or from the sources.
 * The last one where none is built, so that whoever opens the page is told.
 */
export function pageDirectory(from: string): string {
  const places = ["web", "../web", "../../dist/web"].map((path) => fileURLToPath(new URL(path, from)));
  const isBuilt = (place: string): boolean =>
    existsSync(join(place, "index.html")) && existsSync(join(place, "assets"));
  return places.find(isBuilt) ?? join(fileURLToPath(new URL("../../dist", from)), "web");
}

/** The page's own places; any other path answers the page too, which says that nothing is there, with 404. */
const PLACES =
  /^\/(connectors\/[^/]+(\/test)?|(integrations|secrets)\/[^/]+\/[^/]+|secrets|tokens|add|sign-in)?\/?$/;
/** Answered by others, or by nobody. */
const NOT_OURS = /^\/(api|v1|livez|readyz|metrics)(\/|$)/;

/**
 * Routes that serve the built page from a directory, read once. To be mounted after the API: whatever is not a file
 * and not another's answers the page itself, without a session; what it shows is behind one.
 */
export function pageRoutes(directory: string): Hono {
  const files = read(directory);
  const routes = new Hono();
  routes.get("*", async (context, next) => {
    const path = context.req.path;
    if (NOT_OURS.test(path)) return next();
    const file = files.get(path);
    if (file !== undefined && path !== "/index.html") return answer(context, file, 200);
    const page = files.get("/index.html");
    if (page === undefined) return context.text(NOT_BUILT, 503, HEADERS);
    return answer(context, page, PLACES.test(path) ? 200 : 404);
  });
  return routes;
}
