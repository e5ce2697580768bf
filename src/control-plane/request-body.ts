import { ApiProblem } from "./api/problem.ts";

/** Bytes of a request's body. */
const MOST_BYTES = 65_536;
/** How long its sender may take. */
const DEADLINE_MS = 10_000;

/** The body as JSON. Throws a 400, 413 or 415. */
export async function readBody(request: Request): Promise<unknown> {
  const type = request.headers.get("content-type") ?? "";
  if (!/^application\/json\s*(;|$)/i.test(type))
    throw new ApiProblem(415, "not_json", "Send application/json.");
  const text = await readText(request.body);
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiProblem(400, "not_json", "The body is not JSON.");
  }
}

async function readText(body: ReadableStream<Uint8Array> | null): Promise<string> {
  if (body === null) return "";
  const reader = body.getReader();
  const late = AbortSignal.timeout(DEADLINE_MS);
  const stop = (): void => void reader.cancel().catch(() => {});
  late.addEventListener("abort", stop);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.length;
      if (bytes > MOST_BYTES)
        throw new ApiProblem(413, "too_large", `A body is at most ${MOST_BYTES} bytes.`);
      chunks.push(value);
    }
  } finally {
    late.removeEventListener("abort", stop);
  }
  if (late.aborted) throw new ApiProblem(400, "late", "The body did not come in time.");
  return Buffer.concat(chunks).toString("utf8");
}
