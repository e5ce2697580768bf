import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { describe, expect, test } from "vitest";
import { buildInto, builtImage } from "./image.ts";
import { canRunNode } from "./node.ts";

const why = await canRunNode();

describe.skipIf(why !== undefined)(`the image${why === undefined ? "" : ` (skipped: ${why})`}`, () => {
  test("has the same bytes when it is built again", async () => {
    const directory = await mkdtemp(join(tmpdir(), "mooring-image-"));
    try {
      const { archive, name } = await builtImage();
      const again = join(directory, "again.tar");
      await buildInto(again, name);
      expect(await digestOf(again)).toBe(await digestOf(archive));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}
