import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";

/** A file that is not what may be read: its kind, its size or its encoding. The message says it in words. */
export class UnfitFile extends Error {
  override readonly name = "UnfitFile";
  readonly trouble: "kind" | "size" | "encoding";

  constructor(trouble: UnfitFile["trouble"], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.trouble = trouble;
  }
}

export interface Bound {
  /** A file that holds more is not read to its end. */
  readonly mostBytes: number;
  /** Refuses pipes, devices and sockets, and does not wait for one. */
  readonly regular: boolean;
}

const CHUNK_BYTES = 64 * 1024;
const MEBIBYTE = 1024 * 1024;

/** As much as a Kubernetes Secret or ConfigMap can hold. */
export const SMALL_FILE: Bound = { mostBytes: MEBIBYTE, regular: true };

/** The bytes of a file, counted as they come: what a file says of its size is no bound. Throws UnfitFile. */
export async function readBounded(path: string, { mostBytes, regular }: Bound): Promise<Buffer> {
  // Without O_NONBLOCK a FIFO without a writer would hang here.
  await using handle = await open(path, constants.O_RDONLY | (regular ? constants.O_NONBLOCK : 0));
  if (regular && !(await handle.stat()).isFile()) throw new UnfitFile("kind", "it is not a regular file");
  return await readUpTo(handle, mostBytes); // Awaited here: the file is open until then.
}

/** The text of a file that is UTF-8. Throws UnfitFile. */
export async function readBoundedText(path: string, bound: Bound): Promise<string> {
  const bytes = await readBounded(path, bound);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new UnfitFile("encoding", "it is not UTF-8", error);
  }
}

async function readUpTo(handle: FileHandle, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  for (;;) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, null);
    if (bytesRead === 0) return Buffer.concat(chunks, total);
    total += bytesRead;
    if (total > mostBytes) throw new UnfitFile("size", `it is larger than ${mostBytes / MEBIBYTE} MiB`);
    chunks.push(buffer.subarray(0, bytesRead));
  }
}
