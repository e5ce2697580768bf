import { z } from "zod";
import { ownNamespace } from "../kubernetes/access.ts";
import type { Evidence } from "../../protocol/words.ts";
import type { KubernetesSecrets } from "./kubernetes/read.ts";
import type { SecretStore, SecretStoreType, StorePlace, StoreSettings } from "./secret-store.ts";

const ref = z.strictObject({
  name: z
    .string()
    .regex(
      /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/,
      "is not the name of a Secret; small letters, digits, - and . only",
    )
    .describe("the Secret"),
  namespace: z
    .string()
    .regex(
      /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
      "is not the name of a namespace; small letters, digits and - only",
    )
    .optional()
    .describe("its namespace; the connector's own where it is left out"),
});
export type KubernetesRef = z.infer<typeof ref>;

/** A Kubernetes Secret, by the Pod's account or a kubeconfig. Its keys are the fields. */
export const kubernetes: SecretStoreType<KubernetesRef> = {
  type: "kubernetes",
  summary: "A Kubernetes Secret: its keys are the fields.",
  builtIn: true,
  gate: "label",
  ref,
  config: z.strictObject({}),
  name: (reference, { environment }) =>
    `${reference.namespace ?? ownNamespace(environment)}/${reference.name}`,
  facts,
  open,
};

function facts({ name, namespace }: KubernetesRef, { environment }: StorePlace): Evidence {
  const {
    MOORING_INSTALL_KIND: kind,
    MOORING_INSTALL_NAMESPACE,
    MOORING_INSTALL_NAME,
    MOORING_INSTALL_RELEASE,
  } = environment;
  return {
    secretName: name,
    secretNamespace: namespace ?? ownNamespace(environment),
    installNamespace: MOORING_INSTALL_NAMESPACE ?? "",
    installName: MOORING_INSTALL_NAME ?? "",
    installRelease: kind === "helm" ? (MOORING_INSTALL_RELEASE ?? "") : "",
  };
}

function open(settings: StoreSettings, place: StorePlace): SecretStore<KubernetesRef> {
  let secrets: Promise<KubernetesSecrets> | undefined;
  const opened = async (): Promise<KubernetesSecrets> => {
    const { KubernetesSecrets } = await import("./kubernetes/read.ts");
    return new KubernetesSecrets(settings, place);
  };
  return {
    read: async ({ name, namespace = ownNamespace(place.environment) }, signal) => {
      secrets ??= opened();
      return await (await secrets).read({ name, namespace }, signal);
    },
    close: async () => {
      const before = secrets;
      secrets = undefined;
      await (await before)?.close();
    },
  };
}
