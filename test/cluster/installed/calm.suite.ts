/** The connector prod-eu, which is never disturbed: what it sees, and what reaches it without a restart. */
import { expect, test } from "vitest";
import { eventually } from "../../process/programs.ts";
import { evaluate, metricsOf, thePodOf } from "./pods.ts";
import { type Guarded } from "./servers.ts";
import { integrationsOfTargets, SERVICES } from "./targets.ts";
import { inTurn, type World } from "./world.ts";

interface Shown {
  readonly findings: readonly { readonly subject: string; readonly verdict: string; readonly text: string }[];
  readonly remedy: readonly { readonly text: string; readonly command: string | null }[];
}

const saysOf = ({ findings }: Shown): string[] =>
  findings.map(({ verdict, subject, text }) => `${verdict} ${subject}: ${text}`);

/** The first values of prod-eu. */
export function calmValues(guardedUrl: string): object {
  const shop = { name: "shop", type: "http", interval: "5s", config: { url: guardedUrl } };
  return {
    integrations: [
      ...integrationsOfTargets(),
      { ...shop, secret: { store: "kubernetes", name: "shop", namespace: "data" } },
    ],
    diagnostics: { namespaces: ["data"] },
    rbac: { secrets: { data: ["shop"] } },
  };
}

export function calmSuite(place: () => { world: World; shop: Guarded }): void {
  test(
    "runs as nobody, on a root that cannot be written, without any right of the kernel's",
    inTurn,
    async () => {
      const { node } = place().world;
      const script = `
      const { readFileSync, writeFileSync, rmSync } = require("node:fs");
      const write = (path) => { try { writeFileSync(path, "x"); rmSync(path); return "written"; } catch (error) { return error.code; } };
      const status = Object.fromEntries(readFileSync("/proc/1/status", "utf8").split("\\n").map((line) => line.split(":\\t")));
      const { Uid, Gid, CapEff, NoNewPrivs, Seccomp } = status;
      console.log(JSON.stringify({ Uid, Gid, CapEff, NoNewPrivs, Seccomp, root: write("/x"), app: write("/app/x"),
        configuration: write("/etc/mooring/configuration/x"), tmp: write("/tmp/x"), command: readFileSync("/proc/1/cmdline", "utf8") }));`;
      const nobody = {
        Uid: "65532\t65532\t65532\t65532",
        Gid: "65532\t65532\t65532\t65532",
        CapEff: "0000000000000000",
        NoNewPrivs: "1",
        Seccomp: "2",
        root: "EROFS",
        app: "EROFS",
      };
      const connector = await thePodOf(node, "mooring");
      const seen = JSON.parse(await evaluate(node, connector.metadata.name, script)) as Record<
        string,
        string
      >;
      expect(seen).toMatchObject({ ...nobody, configuration: "EROFS", tmp: "written" });
      expect(seen["command"]).toContain("connector");
      const plane = JSON.parse(await evaluate(node, "mooring-control-plane-0", script)) as object;
      expect(plane).toMatchObject({ ...nobody, tmp: "written" });
    },
  );

  test("says of each Service why it does not answer", inTurn, async () => {
    const { plane, node } = place().world;
    const address = await node.kubectl(["-n", "data", "get", "pod", "cut", "-o", "jsonpath={.status.podIP}"]);
    await node.inside(["iptables", "-I", "FORWARD", "-d", address, "-j", "DROP"]);
    for (const [name, expected] of Object.entries(SERVICES)) {
      if (expected === undefined) continue;
      const path = `/integrations/prod-eu/${name}`;
      // Evidence is that of the transition, or of whoever asks anew: a Pod that fails in another way is no transition.
      const shown = await eventually(`the evidence of ${name}`, async () => {
        const found = await plane.get<Shown>(path);
        if (saysOf(found).some((line) => new RegExp(expected.finding).test(line))) return found;
        await plane.refresh(path);
        return undefined;
      });
      expect(shown, name).toMatchObject({ state: "error", reason: expected.reason });
      expect(shown.remedy[0]?.command, name).toBe(expected.command);
    }
    expect(await plane.integrationIs("prod-eu/answers", "online")).toMatchObject({ findings: [] });
  });

  test("uses a Secret's new value without a restart", inTurn, async () => {
    const { world, shop } = place();
    const { plane, node } = world;
    await plane.integrationIs("prod-eu/shop", "online");
    const pod = await thePodOf(node, "mooring");
    shop.accept("token-of-tomorrow");
    const stringData = { token: "token-of-tomorrow" };
    await node.kubectl(["-n", "data", "patch", "secret", "shop", "-p", JSON.stringify({ stringData })]);
    await eventually("it is asked with the new one", () => shop.askedWith("token-of-tomorrow") || undefined, {
      ms: 30_000,
    });
    await plane.integrationIs("prod-eu/shop", "online");
    // What the store has anew is tried at once: at most the look between the two changes was told.
    expect((await plane.history("prod-eu/shop")).length).toBeLessThanOrEqual(3);
    expect((await thePodOf(node, "mooring")).metadata.uid).toBe(pod.metadata.uid);
    expect(await node.logs("mooring", pod.metadata.name)).not.toMatch(/token-of-(today|tomorrow)/);
  });

  test("takes up an edited ConfigMap without a restart, and keeps the last good one", inTurn, async () => {
    const { plane, node, shell } = place().world;
    const pod = await thePodOf(node, "mooring");
    const edit = (from: string, to: string): Promise<string> =>
      shell(`kubectl -n mooring get configmap mooring-connector -o yaml | sed 's/${from}/${to}/' \\
        | kubectl -n mooring replace -f -`);
    await edit("name: answers$", "name: replies");
    await plane.integrationIs("prod-eu/replies", "online");
    await edit("name: replies$", "name: Not A Name");
    await eventually(
      "the bad one is told",
      async () => (await metricsOf(pod)).includes("mooring_config_last_reload_success 0") || undefined,
      { ms: 30_000 },
    );
    expect(await node.logs("mooring", pod.metadata.name)).toContain("must be a DNS label");
    await plane.integrationIs("prod-eu/replies", "online");
    await edit("name: Not A Name$", "name: answers");
    await plane.integrationIs("prod-eu/answers", "online");
    const after = await thePodOf(node, "mooring");
    expect(after.metadata.uid).toBe(pod.metadata.uid);
    expect(after.status.containerStatuses?.[0]?.restartCount).toBe(0);
  });

  test(
    "the control plane's helm test fails where its certificate is not trusted, and says so",
    inTurn,
    async () => {
      const { shell } = place().world;
      const upgrade =
        "helm upgrade mooring-control-plane $CHARTS/mooring-control-plane -n mooring --reuse-values";
      await shell(`${upgrade} --set tls.caKey= --wait`);
      await expect(shell("helm test mooring-control-plane -n mooring")).rejects.toThrow(
        /mooring-control-plane-test/,
      );
      expect(await shell("kubectl -n mooring logs mooring-control-plane-test")).toContain(
        "certificate_untrusted",
      );
      await shell(`${upgrade} --set tls.caKey=ca.crt --wait`);
      await shell("helm test mooring-control-plane -n mooring");
    },
  );
}
