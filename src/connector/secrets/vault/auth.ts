import { z } from "zod";
import { pathText } from "../../dial/target-config.ts";

/** Where Kubernetes mounts the token of a pod's ServiceAccount. */
const POD_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token";

const role = z.string("must be the name of a role").min(1, "must be the name of a role").describe("the role");

const mountedAt = (method: string): z.ZodDefault<z.ZodString> =>
  z
    .string("must be where the auth method is mounted")
    .regex(
      /^[^/\s](?:\S*[^/\s])?$/,
      "must be where the auth method is mounted, without auth/ and outer slashes",
    )
    .default(method)
    .describe(`where the auth method is mounted, without auth/; default ${method}`);

const podToken = pathText.default(POD_TOKEN).describe("the token of the pod's ServiceAccount");

/** How the connector logs in: exactly one method. */
export const auth = z
  .discriminatedUnion(
    "method",
    [
      z.strictObject({
        method: z.literal("kubernetes"),
        role,
        mount: mountedAt("kubernetes"),
        tokenFile: podToken,
      }),
      z.strictObject({ method: z.literal("jwt"), role, mount: mountedAt("jwt"), tokenFile: podToken }),
      z.strictObject({
        method: z.literal("approle"),
        mount: mountedAt("approle"),
        roleId: z.string("must be the role id").min(1, "must be the role id").describe("the role id"),
        secretIdFile: pathText.describe("file that holds the secret id"),
      }),
      z.strictObject({
        method: z.literal("token"),
        tokenFile: pathText.describe("file that holds a token, kept fresh by somebody else"),
      }),
    ],
    "must have a method: kubernetes, jwt, approle or token",
  )
  .describe("how the connector logs in");

export type Auth = z.infer<typeof auth>;
/** The methods that log in; `token` is one already. */
export type Login = Exclude<Auth, { method: "token" }>;
