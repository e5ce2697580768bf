import { defineConfig } from "vitest/config";

/** Suites that need more than a newcomer's `npm ci`, or more time. They install what they need. */
export default defineConfig({
  test: {
    include: ["test/further/**/*.test.ts"],
    retry: process.env["CI"] === undefined ? 0 : 1,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: "forks",
  },
});
