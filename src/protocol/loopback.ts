/** Whether a host, in a URL's brackets or without them, stays on this machine: localhost, ::1, 127.0.0.0/8. */
export function isLoopback(host: string): boolean {
  const bare = host.replaceAll(/^\[|\]$/g, "");
  return bare === "localhost" || bare === "::1" || /^127(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(bare);
}
