import { z } from "zod";
import type { Access } from "./access.ts";
import { ApiFailure } from "./api-failure.ts";
import { type Answer, endpointOf } from "./link.ts";
import type { Resource } from "./resource.ts";

const NOT_KUBERNETES = "it does not answer as a Kubernetes API server";

/** https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/ Its message is prose: never read. */
const status = z.object({
  kind: z.literal("Status"),
  reason: z
    .string()
    .regex(/^[A-Za-z]{1,64}$/)
    .optional()
    .catch(undefined),
  code: z.number().optional().catch(undefined),
});

/** The object in an answer. Throws ApiFailure `not_kubernetes`. */
export function objectOf<T>(text: string, shape: Resource<T>["shape"], access: Access): T {
  return shaped(json(text), shape, access);
}

/** A value as that shape. Throws ApiFailure `not_kubernetes`. */
export function shaped<T>(value: unknown, shape: Resource<T>["shape"], access: Access): T {
  const judged = shape.safeParse(value);
  if (judged.success) return judged.data;
  throw new ApiFailure("not_kubernetes", { endpoint: endpointOf(access), trouble: NOT_KUBERNETES });
}

/** What an answer that is no success says. */
export function refusalOf(answer: Answer, access: Access, retryAfterMs: number | undefined): ApiFailure {
  const said = status.safeParse(json(answer.text));
  const serverTime = Date.parse(answer.headers["date"] ?? "");
  return refused(access, {
    status: answer.status,
    code: (said.success && said.data.reason) || "",
    retryAfterMs,
    serverTime: Number.isNaN(serverTime) ? undefined : serverTime,
  });
}

/** The Status that a watch ends with: 410 Expired where it cannot go on from that version. */
export function endOfWatch(object: unknown, access: Access): ApiFailure {
  const said = status.safeParse(object);
  const { code = 500, reason = "" } = said.success ? said.data : {};
  return refused(access, { status: code, code: reason });
}

export function refused(access: Access | undefined, refusal: NonNullable<ApiFailure["refusal"]>): ApiFailure {
  const endpoint = access === undefined ? {} : { endpoint: endpointOf(access) };
  return new ApiFailure("refused", { ...endpoint, status: refusal.status, code: refusal.code }, { refusal });
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // The parser's message repeats what it read: it is not kept.
  }
}
