import { z } from "zod";
import { Failure } from "../../failure.ts";
import type { Secret } from "../secret-store.ts";
import type { VaultRef } from "../vault.ts";
import type { Answer } from "./api.ts";
import { forbidden, forbiddenEither, forbiddenMetadata } from "./forbidden.ts";
import { gateFailure } from "./gate.ts";
import { missing } from "./missing.ts";
import type { Location } from "./mounts.ts";
import { get, metadataOf, type Reading } from "./reading.ts";

/**
 * Reads a secret of the KV engine, whichever version that is. Throws Failure("secret", …), and RefusedToken where Vault
 * does not know the token.
 */
export async function readKv(reading: Reading, ref: VaultRef): Promise<Secret> {
  const { mounts, api, token, signal } = reading;
  const found = await mounts.find(api, token, ref, signal);
  if (found === "unknown") return await readUnknown(reading, ref);
  if ("other" in found) {
    const evidence = { engine: found.other, foundMount: found.mount };
    throw new Failure("secret", "secret_not_found", evidence);
  }
  try {
    return found.kv === 2 ? await readV2(reading, ref, found) : await readV1(reading, ref, found);
  } catch (error) {
    // The mount may have become another one since: the next reading asks again.
    mounts.forget(ref);
    throw error;
  }
}

/** Nobody says which engine that is: version 2 and then version 1 are tried. */
async function readUnknown(reading: Reading, ref: VaultRef): Promise<Secret> {
  const v2 = await get(reading, `${ref.mount}/data/${ref.path}`);
  if (v2.status === 200 || deleted(v2) !== undefined)
    return await readV2(reading, ref, { mount: ref.mount, path: ref.path, kv: 2 });
  const v1 = await get(reading, `${ref.mount}/${ref.path}`);
  if (v1.status === 200) return await readV1(reading, ref, { mount: ref.mount, path: ref.path, kv: 1 });
  if (v1.status === 403 && v2.status === 403) throw await forbiddenEither(reading, ref);
  if (v1.status === 403 || v2.status === 403)
    throw await forbidden(reading, { ...ref, kv: v2.status === 403 ? 2 : 1 });
  if (v2.status !== 404) throw reading.api.unexpected(v2);
  throw await missing(reading, ref, /no handler for route/i.test(v2.errors) ? "mount" : "secret");
}

async function readV1(reading: Reading, ref: VaultRef, at: Location): Promise<Secret> {
  if (reading.optIn.required) throw gateFailure(reading.optIn, at);
  if (ref.version !== undefined) {
    const evidence = { unversioned: at.mount, wantedVersion: ref.version };
    throw new Failure("secret", "secret_not_found", evidence);
  }
  const answer = await get(reading, `${at.mount}/${at.path}`);
  const fields = v1Answer.safeParse(answer.value);
  if (answer.status === 200 && fields.success) return { fields: fields.data.data };
  throw await refusal(reading, ref, at, answer);
}

const v1Answer = z.object({ data: z.record(z.string(), z.unknown()) });

const versionNotes = z.object({
  version: z.int(),
  created_time: z.string(),
  /** Empty: it is not deleted, and will not be by itself. */
  deletion_time: z.string(),
  destroyed: z.boolean(),
});

const v2Answer = z.object({
  data: z.object({ data: z.record(z.string(), z.unknown()).nullable(), metadata: versionNotes }),
});

/** What a deleted or destroyed version leaves: its notes without its data. */
function deleted({ value }: Answer): z.infer<typeof versionNotes> | undefined {
  const parsed = v2Answer.safeParse(value);
  return parsed.success && parsed.data.data.data === null ? parsed.data.data.metadata : undefined;
}

async function readV2(reading: Reading, ref: VaultRef, at: Location): Promise<Secret> {
  const { optIn, clock } = reading;
  const pinned = ref.version;
  const metadata = optIn.required || pinned !== undefined ? await metadataOf(reading, at) : undefined;
  if (optIn.required) {
    if (metadata === "forbidden") throw await forbiddenMetadata(reading, at);
    if (metadata === undefined) throw await missing(reading, { ...at, version: pinned }, "secret");
    const failure = gateFailure(optIn, at, metadata.custom_metadata ?? {});
    if (failure !== undefined) throw failure;
  }
  const query = pinned === undefined ? {} : { version: String(pinned) };
  const answer = await get(reading, `${at.mount}/data/${at.path}`, query);
  const gone = deleted(answer);
  if (gone !== undefined) throw disabled(gone);
  const parsed = v2Answer.safeParse(answer.value);
  if (answer.status !== 200 || !parsed.success) throw await refusal(reading, ref, at, answer);
  const { data, metadata: notes } = parsed.data.data;
  const current = typeof metadata === "object" ? metadata.current_version : undefined;
  const ends = Date.parse(notes.deletion_time);
  const made = Date.parse(notes.created_time);
  return {
    fields: data ?? {},
    version: String(notes.version),
    ...(Number.isNaN(made) ? {} : { createdAt: made }),
    ...(ends > clock.now() ? { expiresAt: ends } : {}),
    ...(pinned !== undefined && current !== undefined && current > pinned
      ? { newerVersion: String(current) }
      : {}),
  };
}

function disabled({ version, deletion_time: at, destroyed }: z.infer<typeof versionNotes>): Failure {
  const when = at.replace(/\.\d+(?=Z|[+-])/, "");
  const evidence = destroyed
    ? { destroyedVersion: version, disabledHow: `destroyed (version ${version})` }
    : { deletedVersion: version, disabledHow: `deleted (version ${version}, at ${when})` };
  return new Failure("secret", "secret_disabled", evidence);
}

async function refusal(reading: Reading, ref: VaultRef, at: Location, answer: Answer): Promise<Failure> {
  if (answer.status === 403) return await forbidden(reading, at);
  if (answer.status !== 404) return reading.api.unexpected(answer);
  const what = /no handler for route/i.test(answer.errors) ? "mount" : "secret";
  return await missing(reading, { ...at, version: ref.version }, what);
}
