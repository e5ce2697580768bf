/**
 * A strict look at Kubernetes objects: every member must be known and of its type. By the tables that the Kubernetes
 * client was generated with (Kubernetes 1.35), because a real API server is not always at hand.
 */
import * as kubernetes from "@kubernetes/client-node";
import type { Manifest } from "./helm.ts";

interface Attribute {
  readonly baseName: string;
  readonly type: string;
}
interface Model {
  getAttributeTypeMap(): readonly Attribute[];
}

const models = kubernetes as unknown as Readonly<Record<string, Partial<Model> | undefined>>;

/** Kinds of others, which the client does not know. */
const FOREIGN = new Set(["monitoring.coreos.com/v1", "gateway.networking.k8s.io/v1"]);

/** What is wrong with an object, a line each: the path and the trouble. */
export function troubles(manifest: Manifest): string[] {
  const { apiVersion, kind } = manifest;
  if (FOREIGN.has(apiVersion)) return [];
  const version = apiVersion.split("/").at(-1) ?? "";
  const name = `${version.charAt(0).toUpperCase()}${version.slice(1)}${kind}`;
  const model = modelOf(name);
  return model === undefined ? [`${kind}: no kind of ${apiVersion}`] : members(model, manifest, kind);
}

function modelOf(name: string): Model | undefined {
  const model = models[name];
  return typeof model?.getAttributeTypeMap === "function" ? (model as Model) : undefined;
}

function members(model: Model, value: object, path: string): string[] {
  const known = new Map(model.getAttributeTypeMap().map(({ baseName, type }) => [baseName, type]));
  return Object.entries(value).flatMap(([key, inside]) => {
    const type = known.get(key);
    if (type === undefined) return [`${path}.${key}: unknown`];
    return inside === null ? [`${path}.${key}: null`] : look(type, inside, `${path}.${key}`);
  });
}

function look(type: string, value: unknown, path: string): string[] {
  const list = /^Array<(.+)>$/.exec(type)?.[1];
  if (list !== undefined) {
    if (!Array.isArray(value)) return [`${path}: not a list`];
    return value.flatMap((each, index) => look(list, each, `${path}[${index}]`));
  }
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1];
  if (map !== undefined) {
    if (!isObject(value)) return [`${path}: not a map`];
    return Object.entries(value).flatMap(([key, each]) => look(map, each, `${path}.${key}`));
  }
  const model = modelOf(type);
  if (model !== undefined) return isObject(value) ? members(model, value, path) : [`${path}: not a map`];
  return isPlain(type, value) ? [] : [`${path}: not a ${type}`];
}

function isPlain(type: string, value: unknown): boolean {
  switch (type) {
    case "any":
    case "object":
      return true;
    case "IntOrString":
      return typeof value === "string" || Number.isInteger(value);
    case "Date":
    case "V1MicroTime":
      return typeof value === "string";
    default:
      return typeof value === type;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
