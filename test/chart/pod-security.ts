/**
 * The Pod Security Standard "restricted" of Kubernetes 1.34, control by control.
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/
 */
import type { Manifest } from "./helm.ts";

interface SecurityContext {
  readonly privileged?: boolean;
  readonly allowPrivilegeEscalation?: boolean;
  readonly runAsNonRoot?: boolean;
  readonly runAsUser?: number;
  readonly procMount?: string;
  readonly seccompProfile?: { readonly type: string };
  readonly appArmorProfile?: { readonly type: string };
  readonly seLinuxOptions?: { readonly type?: string; readonly user?: string; readonly role?: string };
  readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  readonly windowsOptions?: { readonly hostProcess?: boolean };
  readonly sysctls?: readonly unknown[];
}
interface Container {
  readonly name: string;
  readonly securityContext?: SecurityContext;
  readonly ports?: readonly { readonly hostPort?: number }[];
}
export interface PodSpec {
  readonly hostNetwork?: boolean;
  readonly hostPID?: boolean;
  readonly hostIPC?: boolean;
  readonly securityContext?: SecurityContext;
  readonly volumes?: readonly Readonly<Record<string, unknown>>[];
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
}

/** The pod that an object makes, if it makes one. */
export function podOf({ kind, ...rest }: Manifest): PodSpec | undefined {
  if (kind === "Pod") return rest["spec"] as PodSpec;
  if (kind !== "Deployment" && kind !== "StatefulSet") return undefined;
  return (rest["spec"] as { template: { spec: PodSpec } }).template.spec;
}

const VOLUMES = new Set(
  "configMap csi downwardAPI emptyDir ephemeral persistentVolumeClaim projected secret".split(" "),
);

/** The controls that a pod breaks, by name. */
export function violations(spec: PodSpec): string[] {
  const pod = spec.securityContext ?? {};
  const found = new Set<string>();
  const when = (broken: boolean, control: string): void => {
    if (broken) found.add(control);
  };
  when(spec.hostNetwork === true || spec.hostPID === true || spec.hostIPC === true, "host namespaces");
  when((pod.sysctls ?? []).length > 0, "sysctls");
  const kinds = (spec.volumes ?? []).flatMap((volume) => Object.keys(volume).filter((key) => key !== "name"));
  when(
    kinds.some((kind) => !VOLUMES.has(kind)),
    "volume types",
  );
  for (const each of [...spec.containers, ...(spec.initContainers ?? [])]) {
    const own = each.securityContext ?? {};
    const both = { ...pod, ...own };
    when(own.privileged === true, "privileged");
    when(own.allowPrivilegeEscalation !== false, "privilege escalation");
    when(both.runAsNonRoot !== true, "running as non-root");
    when(both.runAsUser === 0 || pod.runAsUser === 0, "running as non-root user");
    when(!["RuntimeDefault", "Localhost"].includes(both.seccompProfile?.type ?? ""), "seccomp");
    when(
      !["RuntimeDefault", "Localhost"].includes(both.appArmorProfile?.type ?? "RuntimeDefault"),
      "AppArmor",
    );
    when(!(own.capabilities?.drop ?? []).includes("ALL"), "capabilities");
    when(
      (own.capabilities?.add ?? []).some((name) => name !== "NET_BIND_SERVICE"),
      "capabilities",
    );
    when((own.procMount ?? "Default") !== "Default", "/proc mount type");
    when(both.windowsOptions?.hostProcess === true, "HostProcess");
    when(both.seLinuxOptions?.user !== undefined || both.seLinuxOptions?.role !== undefined, "SELinux");
    when(
      (each.ports ?? []).some(({ hostPort = 0 }) => hostPort !== 0),
      "host ports",
    );
  }
  return [...found];
}
