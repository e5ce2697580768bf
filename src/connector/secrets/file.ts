import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { resolve } from "node:path";
import { z } from "zod";
import { codeOf, Failure } from "../failure.ts";
import type { SecretStoreType } from "./secret-store.ts";

/** As much as a Kubernetes Secret can hold. */
const MOST_BYTES = 1024 * 1024;

const ref = z.strictObject({
  path: z.string().min(1).describe("the file, relative to the configuration file"),
});

/** A mounted file: a JSON object, or plain text where the type takes one field. */
export const file: SecretStoreType<z.infer<typeof ref>> = {
  type: "file",
  summary: "A mounted file: a JSON object, or plain text where the type takes one field.",
  ref,
  name: ({ path }) => path,
  facts: ({ path }, place) => ({ file: resolve(place.directory, path) }),
  open: (place) => ({ read: ({ path }) => read(resolve(place.directory, path)) }),
};

async function read(path: string): Promise<{ text: string }> {
  try {
    // Without O_NONBLOCK a FIFO without a writer would hang here.
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const status = await handle.stat();
    if (!status.isFile()) throw unreadable("it is not a regular file");
    if (status.size > MOST_BYTES) throw unreadable("it is larger than 1 MiB");
    const bytes = await handle.readFile();
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch (error) {
    throw explain(error, path);
  }
}

function unreadable(trouble: string): Failure {
  const evidence = { form: "text", trouble, example: "a small text file" };
  return new Failure("secret", "secret_unparsable", evidence);
}

function explain(error: unknown, file: string): Failure {
  if (error instanceof Failure) return error;
  const code = codeOf(error) ?? "";
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return new Failure("secret", "secret_not_found", { file, code }, error);
    case "EACCES":
    case "EPERM":
      return new Failure("secret", "secret_forbidden", { file, code }, error);
    case "ERR_ENCODING_INVALID_ENCODED_DATA":
      return unreadable("it is not UTF-8");
    default:
      return new Failure("secret", "store_unreachable", { file, code }, error);
  }
}
