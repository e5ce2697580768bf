import { defineConfig } from "vitest/config";

/** The page in a real Chromium, against the stand-in. Skipped, and said so, where there is no Chromium. */
export default defineConfig({
  test: {
    include: ["test/e2e/**/*.test.ts"],
    // Real processes and browsers on a machine that others use: once more, and vitest says so.
    retry: process.env["CI"] === undefined ? 0 : 1,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: "forks",
    // Two browsers at once would measure each other.
    fileParallelism: false,
  },
});
