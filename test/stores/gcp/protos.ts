import { readFileSync } from "node:fs";
import { protobuf } from "google-gax";
import { toProto3JSON } from "proto3-json-serializer";

function rootOf(path: string): protobuf.Root {
  const file = new URL(`../../../node_modules/${path}`, import.meta.url);
  return protobuf.Root.fromJSON(JSON.parse(readFileSync(file, "utf8")) as protobuf.INamespace);
}

/** Google's own definitions, out of Google's own client. */
const rpc = rootOf("google-gax/build/protos/status.json");
const secretManager = rootOf("@google-cloud/secret-manager/build/protos/protos.json");

export function secretManagerType(name: string): protobuf.Type {
  return secretManager.lookupType(`google.cloud.secretmanager.v1.${name}`);
}

/** A message in the JSON of proto3: https://protobuf.dev/programming-guides/json */
export function jsonOf(type: protobuf.Type, value: Record<string, unknown>): unknown {
  return toProto3JSON(type.fromObject(value));
}

/** Why the fake says no. */
export interface Refusal {
  /** A name of google.rpc.Code. */
  readonly code: keyof typeof CODES;
  readonly message: string;
  /** google.rpc.ErrorInfo */
  readonly info?: {
    readonly reason: string;
    readonly domain: string;
    readonly metadata: Record<string, string>;
  };
  /** google.rpc.RetryInfo, seconds */
  readonly retry?: number;
  /** google.rpc.PreconditionFailure, of VPC Service Controls */
  readonly violation?: string;
}

/** google.rpc.Code and the HTTP status that goes with it: google/rpc/code.proto */
export const CODES = {
  INVALID_ARGUMENT: [3, 400],
  DEADLINE_EXCEEDED: [4, 504],
  NOT_FOUND: [5, 404],
  PERMISSION_DENIED: [7, 403],
  RESOURCE_EXHAUSTED: [8, 429],
  FAILED_PRECONDITION: [9, 400],
  INTERNAL: [13, 500],
  UNAVAILABLE: [14, 503],
  UNAUTHENTICATED: [16, 401],
} as const;

const Status = rpc.lookupType("google.rpc.Status");

function statusOf({ code, message, info, retry, violation }: Refusal): Record<string, unknown> {
  const details: Record<string, unknown>[] = [];
  const add = (name: string, value: Record<string, unknown>): void => {
    const type = rpc.lookupType(`google.rpc.${name}`);
    const bytes = type.encode(type.fromObject(value)).finish();
    details.push({ type_url: `type.googleapis.com/google.rpc.${name}`, value: bytes });
  };
  if (violation !== undefined)
    add("PreconditionFailure", { violations: [{ type: "VPC_SERVICE_CONTROLS", description: violation }] });
  if (info !== undefined) add("ErrorInfo", info);
  if (retry !== undefined) add("RetryInfo", { retryDelay: { seconds: retry } });
  return { code: CODES[code][0], message, details };
}

/** What Google's front ends send over HTTP: the status in JSON, its code being that of HTTP and its name beside it. */
export function restBody(refusal: Refusal): unknown {
  const status = jsonOf(Status, statusOf(refusal)) as { message: string; details?: unknown };
  return { error: { ...status, code: CODES[refusal.code][1], status: refusal.code } };
}

/** What gRPC sends in the trailer `grpc-status-details-bin`. */
export function statusBytes(refusal: Refusal): Buffer {
  return Buffer.from(Status.encode(Status.fromObject(statusOf(refusal))).finish());
}
