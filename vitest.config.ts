import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/{further,e2e,stores,cluster,chart}/**", "**/node_modules/**"],
    // Real processes and browsers on a machine that others use: once more, and vitest says so.
    retry: process.env["CI"] === undefined ? 0 : 1,
    testTimeout: 20_000,
    hookTimeout: 60_000,
    pool: "forks",
  },
});
