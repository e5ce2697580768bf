import { defineConfig } from "vitest/config";

// Secret stores against real servers and fakes on the wire: `npm run test:stores`. They install what they need.
export default defineConfig({
  test: {
    include: ["test/stores/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 600_000,
    fileParallelism: false,
    retry: process.env["CI"] === undefined ? 0 : 1,
  },
});
