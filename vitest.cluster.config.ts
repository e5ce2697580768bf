import { defineConfig } from "vitest/config";

/**
 * Against a real Kubernetes: `--project api` (a kube-apiserver), `--project chart` (real helm, and that API server),
 * `--project node` (a whole cluster of one node).
 * Where a machine cannot run them, or node test/cluster/install.ts was not run, they say that they are skipped.
 */
const shared = {
  // Cold: an image is built, and the machine has other work.
  testTimeout: 120_000,
  hookTimeout: 300_000,
  pool: "forks" as const,
  retry: process.env["CI"] === undefined ? 0 : 1,
};

export default defineConfig({
  test: {
    // One at a time: each is a cluster, and they would measure each other.
    fileParallelism: false,
    projects: [
      {
        test: {
          ...shared,
          name: "api",
          include: ["test/cluster/**/*.test.ts"],
          exclude: ["test/cluster/**/node*.test.ts"],
        },
      },
      { test: { ...shared, name: "chart", include: ["test/chart/**/*.test.ts"] } },
      { test: { ...shared, name: "node", include: ["test/cluster/**/node*.test.ts"] } },
    ],
  },
});
