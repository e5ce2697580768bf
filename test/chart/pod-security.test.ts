import { describe, expect, test } from "vitest";
import { cases, CHARTS, manifestsOf, rendered, whyNoHelm } from "./helm.ts";
import { type PodSpec, podOf, violations } from "./pod-security.ts";

const all = await Promise.all(
  CHARTS.map(async (chart) => (await cases(chart)).map((name) => ({ chart, name }))),
);
const skipped = whyNoHelm === undefined ? "" : ` (skipped: ${whyNoHelm})`;

describe.skipIf(whyNoHelm !== undefined)(`pods keep the profile "restricted"${skipped}`, () => {
  test.each(all.flat())("$chart, ci/$name", async ({ chart, name }) => {
    const pods = manifestsOf(await rendered(chart, name)).flatMap((each) => podOf(each) ?? []);
    expect(pods.length).toBeGreaterThanOrEqual(2);
    for (const pod of pods) {
      expect(violations(pod)).toEqual([]);
      for (const { securityContext } of pod.containers)
        expect(securityContext).toMatchObject({ readOnlyRootFilesystem: true });
    }
  });
});

describe("the controls themselves", () => {
  const good: PodSpec = {
    securityContext: { runAsNonRoot: true, seccompProfile: { type: "RuntimeDefault" } },
    containers: [
      { name: "c", securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } } },
    ],
  };
  const [container] = good.containers;
  const own = (more: object): PodSpec => ({
    ...good,
    containers: [{ ...container, name: "c", securityContext: { ...container?.securityContext, ...more } }],
  });

  test("pass a pod that keeps them", () => expect(violations(good)).toEqual([]));

  test.each<[string, PodSpec]>([
    ["host namespaces", { ...good, hostNetwork: true }],
    ["host namespaces", { ...good, hostPID: true }],
    ["sysctls", { ...good, securityContext: { ...good.securityContext, sysctls: [{}] } }],
    ["volume types", { ...good, volumes: [{ name: "v", hostPath: { path: "/" } }] }],
    ["privileged", own({ privileged: true })],
    ["privilege escalation", own({ allowPrivilegeEscalation: undefined })],
    ["running as non-root", own({ runAsNonRoot: false })],
    ["running as non-root user", own({ runAsUser: 0 })],
    ["seccomp", own({ seccompProfile: { type: "Unconfined" } })],
    ["AppArmor", own({ appArmorProfile: { type: "Unconfined" } })],
    ["capabilities", own({ capabilities: { drop: ["NET_RAW"] } })],
    ["capabilities", own({ capabilities: { drop: ["ALL"], add: ["SYS_ADMIN"] } })],
    ["/proc mount type", own({ procMount: "Unmasked" })],
    ["HostProcess", own({ windowsOptions: { hostProcess: true } })],
    ["SELinux", own({ seLinuxOptions: { role: "x" } })],
    ["host ports", { ...good, containers: [{ name: "c", ...container, ports: [{ hostPort: 80 }] }] }],
    ["running as non-root", { ...good, securityContext: { seccompProfile: { type: "RuntimeDefault" } } }],
    [
      "capabilities",
      { ...good, initContainers: [{ name: "i", securityContext: { allowPrivilegeEscalation: false } }] },
    ],
  ])("find %s", (control, pod) => {
    expect(violations(pod)).toEqual([control]);
  });
});
