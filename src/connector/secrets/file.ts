import { resolve } from "node:path";
import { z } from "zod";
import { readBoundedText, SMALL_FILE, UnfitFile } from "../bounded-file.ts";
import { codeOf, Failure } from "../failure.ts";
import type { SecretStoreType } from "./secret-store.ts";

const ref = z.strictObject({
  path: z.string().min(1).describe("the file, relative to the configuration file"),
});

/** A mounted file: a JSON object, or plain text where the type takes one field. */
export const file: SecretStoreType<z.infer<typeof ref>> = {
  type: "file",
  summary: "A mounted file: a JSON object, or plain text where the type takes one field.",
  builtIn: true,
  local: true,
  ref,
  config: z.strictObject({}),
  name: ({ path }) => path,
  facts: ({ path }, place) => ({ file: resolve(place.directory, path) }),
  open: (_settings, place) => ({ read: ({ path }) => read(resolve(place.directory, path)) }),
};

async function read(path: string): Promise<{ text: string }> {
  try {
    return { text: await readBoundedText(path, SMALL_FILE) };
  } catch (error) {
    throw explain(error, path);
  }
}

function explain(error: unknown, file: string): Failure {
  if (error instanceof UnfitFile) {
    const evidence = { form: "text", trouble: error.message, example: "a small text file" };
    return new Failure("secret", "secret_unparsable", evidence);
  }
  const code = codeOf(error) ?? "";
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return new Failure("secret", "secret_not_found", { file, code }, error);
    case "EACCES":
    case "EPERM":
      return new Failure("secret", "secret_forbidden", { file, code }, error);
    default:
      return new Failure("secret", "store_unreachable", { file, code }, error);
  }
}
