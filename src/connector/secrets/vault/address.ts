/** An API path under the configured address. Each part of `path` is encoded; the slashes between them stay. */
export function apiUrl(address: string, path: string, query: Readonly<Record<string, string>> = {}): URL {
  const base = address.replace(/\/+$/, "").replace(/\/v1$/, "");
  const encoded = path.split("/").map(encodeURIComponent).join("/");
  const url = new URL(`${base}/v1/${encoded}`);
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url;
}
