import { z } from "zod";
import type { Clock } from "../../clock.ts";
import type { OptIn } from "../secret-store.ts";
import type { Answer, Api } from "./api.ts";
import type { Location, Mounts } from "./mounts.ts";

/** All that one reading needs. */
export interface Reading {
  readonly api: Api;
  readonly mounts: Mounts;
  readonly optIn: OptIn;
  readonly token: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export function get({ api, token, signal }: Reading, path: string, query = {}): Promise<Answer> {
  return api.call({ path, token, query }, signal);
}

const metadataAnswer = z.object({
  data: z.object({
    current_version: z.int(),
    oldest_version: z.int().optional(),
    custom_metadata: z.record(z.string(), z.unknown()).nullish(),
  }),
});

/** What is known of a secret besides its value; undefined where there is none, or no secret. */
export async function metadataOf(
  reading: Reading,
  { mount, path }: Location,
): Promise<z.infer<typeof metadataAnswer>["data"] | "forbidden" | undefined> {
  const answer = await get(reading, `${mount}/metadata/${path}`);
  if (answer.status === 403) return "forbidden";
  return metadataAnswer.safeParse(answer.value).data?.data;
}
