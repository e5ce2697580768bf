import { z } from "zod";

/** Answers of Secret Manager, v1, as proto3 writes them in JSON; what we do not use is left out. */

const time = z.string().transform((text) => Date.parse(text));

/** https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets */
export const secretResource = z.object({
  name: z.string(),
  labels: z.record(z.string(), z.string()).default({}),
  expireTime: time.optional(),
});
export type SecretResource = z.infer<typeof secretResource>;

/** https://cloud.google.com/secret-manager/docs/reference/rest/v1/projects.secrets.versions */
export const versionResource = z.object({
  name: z.string(),
  createTime: time.optional(),
  state: z.string().default(""),
  scheduledDestroyTime: time.optional(),
});

export const accessed = z.object({
  name: z.string(),
  payload: z
    .object({
      data: z.base64().default(""),
      dataCrc32c: z
        .string()
        .regex(/^\d{1,10}$/)
        .optional(),
    })
    .default({ data: "" }),
});
export type Accessed = z.infer<typeof accessed>;

export const listed = z.object({ secrets: z.array(z.object({ name: z.string() })).default([]) });

/** The last part of a resource's name. */
export function idOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}
