import { Failure } from "../../failure.ts";
import { nearest } from "../../nearest.ts";
import type { VaultRef } from "../vault.ts";
import type { Location } from "./mounts.ts";
import { metadataOf, type Reading } from "./reading.ts";

/** Vault has no such mount, or no such secret in it: with what is there instead, where we may look. */
export async function missing(
  reading: Reading,
  at: VaultRef & { readonly kv?: 1 | 2 },
  what: "mount" | "secret",
): Promise<Failure> {
  const { mount, path, version, kv } = at;
  if (what === "mount") {
    const near = await nearestMount(reading, mount);
    const evidence = { missingMount: mount, ...(near === undefined ? {} : { nearMount: near }) };
    return new Failure("secret", "secret_not_found", evidence);
  }
  const location: Location = { mount, path, kv: kv ?? 2 };
  if (version !== undefined) {
    const metadata = await metadataOf(reading, location).catch(() => undefined);
    if (typeof metadata === "object") {
      const { current_version: current, oldest_version: oldest } = metadata;
      const evidence = {
        missingVersion: version,
        currentVersion: current,
        oldestVersion: Math.max(1, oldest ?? 1),
      };
      return new Failure("secret", "secret_not_found", evidence);
    }
  }
  const near = await nearestPath(reading, location);
  const known =
    near === undefined ? {} : near.endsWith("/") ? { nearFolder: near } : { near, ...folderOf(near) };
  const evidence = { missingPath: path, ...known };
  return new Failure("secret", "secret_not_found", evidence);
}

function folderOf(path: string): { nearIn?: string } {
  const end = path.lastIndexOf("/");
  return end === -1 ? {} : { nearIn: path.slice(0, end) };
}

/** The mount that was probably meant, of those that the token may see. */
export async function nearestMount(
  { api, token, signal }: Reading,
  mount: string,
): Promise<string | undefined> {
  try {
    const answer = await api.call({ path: "sys/internal/ui/mounts", token }, signal);
    const data = answer.value["data"] as Record<string, unknown> | undefined;
    const mounts = Object.entries(data?.["secret"] ?? {}).filter(
      ([, { type }]: [string, { type?: unknown }]) => ["kv", "generic"].includes(String(type)),
    );
    return nearest(
      mount,
      mounts.map(([name]) => name.replace(/\/$/, "")),
    );
  } catch {
    return undefined;
  }
}

/**
 * The path that was probably meant: the folders are walked from the top, each part taken as it is where it is there,
 * else as the nearest of its neighbours. With a slash at its end it is a folder; undefined where nothing is near or we
 * may not list.
 */
async function nearestPath(reading: Reading, { mount, path, kv }: Location): Promise<string | undefined> {
  const parts = path.replace(/^data\//, "").split("/");
  let folder = "";
  try {
    for (const [index, part] of parts.entries()) {
      const names = await list(reading, kv === 2 ? `${mount}/metadata/${folder}` : `${mount}/${folder}`);
      const last = index === parts.length - 1;
      const next = chosen(part, last ? names : names.filter((name) => name.endsWith("/")));
      if (next === undefined) return undefined;
      folder += next;
      if (last) return folder === path ? undefined : folder;
    }
  } catch {
    // Without the right to list there is nothing to suggest.
  }
  return undefined;
}

/** Of names and folders (with a slash at their end) the one that is meant, or was probably. */
function chosen(part: string, names: readonly string[]): string | undefined {
  const plain = names.map((name) => name.replace(/\/$/, ""));
  const meant = plain.includes(part) ? part : nearest(part, plain);
  return names.find((name) => name === meant) ?? names.find((name) => name === `${meant}/`);
}

async function list({ api, token, signal }: Reading, path: string): Promise<string[]> {
  const answer = await api.call({ method: "LIST", path: path.replace(/\/$/, ""), token }, signal);
  const data = answer.value["data"] as Record<string, unknown> | null | undefined;
  const keys: unknown = data?.["keys"];
  // What begins with a hyphen would be a flag in a command.
  const isName = (key: unknown): key is string => typeof key === "string" && !key.startsWith("-");
  return Array.isArray(keys) ? keys.filter(isName) : [];
}
