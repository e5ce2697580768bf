/**
 * The image of the Dockerfile, built by buildah on stand-ins of its bases (bases.ts), as an archive for a node.
 *
 *   const image = await builtImage();        // about a minute when the sources have changed, else at once
 *   await node.importImage(image.archive);
 *   // …  image: ${image.name}, imagePullPolicy: Never
 *
 * The archive is kept in the cache by the content of all that the Dockerfile copies.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { BUILD_BASE, makeBases, RUNTIME_BASE } from "./bases.ts";
import { archived, archivesBeginningWith, buildah } from "./images.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
/** What the Dockerfile and .dockerignore let in. */
export const SOURCES = [
  "Dockerfile",
  ".dockerignore",
  "package.json",
  "package-lock.json",
  "LICENSE",
  "tsconfig.json",
  "bin",
  "src",
  "scripts/build.ts",
];
/** Archives of older sources that are kept. */
const KEPT = 2;

export interface BuiltImage {
  /** How a Pod names it. */
  readonly name: string;
  readonly archive: string;
}

export async function builtImage(): Promise<BuiltImage> {
  const key = await contentKey();
  const name = `mooring.test/mooring:${key}`;
  const archive = await archived(`mooring-${key}`, async (path) => {
    await buildInto(path, name);
    await dropOld();
  });
  return { name, archive };
}

/** Builds the image into an archive, from nothing. Same sources, same bytes. */
export async function buildInto(path: string, name: string): Promise<void> {
  await makeBases();
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const given = {
    NODE_IMAGE: BUILD_BASE,
    RUNTIME_IMAGE: RUNTIME_BASE,
    VERSION: version,
    SOURCE_DATE_EPOCH: "0",
  };
  const args = Object.entries(given).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]);
  const switches = [
    "--quiet",
    "--pull-never",
    "--no-cache",
    "--force-rm",
    "--timestamp",
    "0",
    "--format",
    "oci",
  ];
  await buildah(["bud", ...switches, ...args, "--tag", name, root]);
  try {
    await buildah(["push", "--quiet", name, `docker-archive:${path}:${name}`]);
  } finally {
    await buildah(["rmi", name]);
  }
}

/** 12 hexadecimal digits of all that goes into the image, the Node of its base too. */
async function contentKey(): Promise<string> {
  const hash = createHash("sha256").update(process.versions.node);
  for (const source of SOURCES) await addTo(hash, source);
  return hash.digest("hex").slice(0, 12);
}

async function addTo(hash: ReturnType<typeof createHash>, path: string): Promise<void> {
  const place = join(root, path);
  if ((await stat(place)).isDirectory()) {
    for (const name of (await readdir(place)).toSorted()) await addTo(hash, join(path, name));
    return;
  }
  const content = await readFile(place);
  hash.update(`${path}\0${content.length}\0`).update(content);
}

async function dropOld(): Promise<void> {
  const newestFirst = await archivesBeginningWith("mooring-");
  for (const old of newestFirst.slice(KEPT)) await rm(old, { force: true });
}
