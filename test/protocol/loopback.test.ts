import { expect, test } from "vitest";
import { isLoopback } from "../../src/protocol/loopback.ts";

test.each(["localhost", "127.0.0.1", "127.255.0.9", "::1", "[::1]"])("%s stays on this machine", (host) => {
  expect(isLoopback(host)).toBe(true);
});

test.each([
  "0.0.0.0",
  "::",
  "127.0.0.1.example",
  "127.0.0.256",
  "128.0.0.1",
  "localhost.example",
  "10.0.0.1",
  "",
])("%s does not", (host) => {
  expect(isLoopback(host)).toBe(false);
});
