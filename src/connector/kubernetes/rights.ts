import { z } from "zod";
import type { Resource, Which } from "./resource.ts";

/** A right, as RBAC has it. Without a name: on all of that kind there. */
export interface Right extends Partial<Which> {
  readonly verb: "get" | "list" | "watch" | "create" | "update" | "patch" | "delete";
  readonly resource: Pick<Resource<unknown>, "group" | "plural">;
}

/** Whether we have a right, by the API server's own judgement. */
export interface Verdict {
  readonly allowed: boolean;
  /** An authorizer forbids it outright. RBAC never does: it only fails to allow. */
  readonly denied: boolean;
  /** A Role that a binding names and that does not exist: `Role NAME` or `ClusterRole NAME`. */
  readonly missingRole?: string;
}

/** A SelfSubjectAccessReview: https://kubernetes.io/docs/reference/access-authn-authz/authorization/ */
export const ACCESS_REVIEWS: Resource<Verdict> = {
  group: "authorization.k8s.io",
  version: "v1",
  plural: "selfsubjectaccessreviews",
  shape: z
    .object({
      status: z.object({
        allowed: z.boolean(),
        denied: z.boolean().default(false),
        // Prose; what is wrong with bindings stands here, and not in evaluationError.
        reason: z.string().default(""),
      }),
    })
    .transform(({ status: { allowed, denied, reason } }) => ({
      allowed,
      denied,
      ...missingRole(reason),
    })),
};

export function reviewOf({ verb, resource, namespace, name, subresource }: Right): unknown {
  const { group, plural } = resource;
  const resourceAttributes = { verb, group, resource: plural, subresource, namespace, name };
  return {
    apiVersion: "authorization.k8s.io/v1",
    kind: "SelfSubjectAccessReview",
    spec: { resourceAttributes },
  };
}

/** What RBAC says of a binding that leads nowhere: `RBAC: clusterrole.rbac.authorization.k8s.io "NAME" not found`. Names only are taken from it. */
function missingRole(text: string): Pick<Verdict, "missingRole"> {
  const [, kind, name] =
    /\b(clusterrole|role)\.rbac\.authorization\.k8s\.io "([^"\s]{1,253})" not found/.exec(text) ?? [];
  if (kind === undefined || name === undefined) return {};
  return { missingRole: `${kind === "role" ? "Role" : "ClusterRole"} ${name}` };
}

/** Who we are, by the API server's own judgement: a SelfSubjectReview (Kubernetes 1.28). */
export const SELF_REVIEWS: Resource<string> = {
  group: "authentication.k8s.io",
  version: "v1",
  plural: "selfsubjectreviews",
  shape: z
    .object({ status: z.object({ userInfo: z.object({ username: z.string().min(1).max(500) }) }) })
    .transform(({ status }) => status.userInfo.username),
};

export const SELF_REVIEW = { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" };
