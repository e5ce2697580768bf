import { z } from "zod";
import { Failure } from "../failure.ts";
import type { SecretStoreType } from "./secret-store.ts";

/** Only variables that were named for this can be read: not every variable is meant for a target. */
const PREFIX = "MOORING_SECRET_";

const ref = z.strictObject({
  variable: z
    .string()
    .regex(new RegExp(`^${PREFIX}\\w+$`), `the store env reads only variables that begin with ${PREFIX}`)
    .describe(`the environment variable; it begins with ${PREFIX}`),
});

/** An environment variable: the same content rule as a file. */
export const env: SecretStoreType<z.infer<typeof ref>> = {
  type: "env",
  summary: "An environment variable: a JSON object, or plain text where the type takes one field.",
  builtIn: true,
  local: true,
  ref,
  config: z.strictObject({}),
  name: ({ variable }) => variable,
  facts: ({ variable }) => ({ variable }),
  open: (_settings, place) => ({
    read: ({ variable }) => {
      const text = place.environment[variable];
      if (text === undefined) return Promise.reject(new Failure("secret", "secret_not_found", { variable }));
      return Promise.resolve({ text });
    },
  }),
};
