import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CHARTS, type Chart, chartPath, notesWith, whyNoHelm } from "./helm.ts";

const skipped = whyNoHelm === undefined ? "" : ` (skipped: ${whyNoHelm})`;

describe.skipIf(whyNoHelm !== undefined)(`what is said after an install${skipped}`, () => {
  const kubernetes = (name: string, namespace?: string): object => ({
    name: `of-${name}`,
    type: "http",
    config: { url: "https://h" },
    secret: { store: "kubernetes", name, ...(namespace && { namespace }) },
  });

  test.each<[string, Chart, object, string[]]>([
    [
      "how to look",
      "mooring-connector",
      {},
      ["kubectl -n mooring logs deployment/mooring-connector", "helm test mooring"],
    ],
    [
      "what is not on",
      "mooring-connector",
      {},
      ["Not on", "--set sources.crd.enabled=true", "metrics.podMonitor.enabled=true"],
    ],
    [
      "an image that no registry has",
      "mooring-connector",
      {},
      ["! The image mooring:0.1.0 names no registry"],
    ],
    [
      "how it is registered",
      "mooring-connector",
      {
        controlPlane: {
          connectorName: "prod-eu",
          auth: { method: "kubernetes", existingSecret: { name: "" } },
        },
      },
      [
        "kubectl get --raw /openid/v1/jwks > jwks.json",
        "mooring connector-identity add prod-eu --service-account mooring/mooring-connector --issuer ISSUER",
      ],
    ],
    [
      "a typed token",
      "mooring-connector",
      { controlPlane: { auth: { existingSecret: { name: "" }, token: "t0ken" } } },
      ["! controlPlane.auth.token"],
    ],
    [
      "every Secret",
      "mooring-connector",
      { rbac: { clusterWideSecrets: true } },
      ["! rbac.clusterWideSecrets"],
    ],
    ["no opt-in", "mooring-connector", { optIn: { required: false } }, ["! optIn.required=false"]],
    [
      "a budget for one",
      "mooring-connector",
      { podDisruptionBudget: { enabled: true } },
      ["! podDisruptionBudget is on"],
    ],
    [
      "rights to be granted",
      "mooring-connector",
      { rbac: { create: false } },
      ["! rbac.create=false", "--show-only templates/rbac.yaml"],
    ],
    [
      "Secrets that are not granted",
      "mooring-connector",
      {
        integrations: [kubernetes("a", "data"), kubernetes("b"), kubernetes("c")],
        rbac: { secrets: { mooring: ["b"] } },
      },
      [
        "Secret data/a, which rbac.secrets does not grant: --set 'rbac.secrets.data={a}'",
        // --set replaces the list: what is granted already must stay.
        "Secret mooring/c, which rbac.secrets does not grant: --set 'rbac.secrets.mooring={b,c}'",
      ],
    ],
    [
      "Integration resources",
      "mooring-connector",
      { sources: { crd: { enabled: true } } },
      ["kubectl get integrations.mooring.dev -n mooring"],
    ],
    [
      "where the page is",
      "mooring-control-plane",
      {},
      ["page and API   https://mooring.example.com", "mooring token create NAME"],
    ],
    [
      "data that is not kept",
      "mooring-control-plane",
      { persistence: { enabled: false } },
      ["! persistence.enabled=false"],
    ],
    [
      "TLS twice",
      "mooring-control-plane",
      { ingress: { enabled: true } },
      ["! tls.existingSecret: the pod speaks TLS itself", "backend-protocol: HTTPS"],
    ],
    [
      "a plain port",
      "mooring-control-plane",
      { tls: { existingSecret: "" }, behindTlsProxy: true },
      ["! behindTlsProxy"],
    ],
  ])("%s", async (_, chart, values, words) => {
    const notes = await notesWith(chart, values);
    for (const word of words) expect(notes).toContain(word);
    expect(notes).not.toContain("t0ken");
    expect(notes).not.toContain("Secret mooring/b,");
    expect(notes).not.toMatch(/<no value>|map\[/);
  });
});

test.each(CHARTS)("templates of %s take nothing from the cluster, the clock or chance", async (chart) => {
  const folder = chartPath(chart, "templates");
  const files = (await readdir(folder, { recursive: true })).filter((file) => /\.(yaml|tpl|txt)$/.test(file));
  expect(files.length).toBeGreaterThan(10);
  for (const file of files) {
    const text = (await readFile(join(folder, file), "utf8")).replaceAll(
      /\{\{-?\s*\/\*.*?\*\/\s*-?\}\}/gs,
      "",
    );
    const calls = [...text.matchAll(/\{\{.*?\}\}/gs)].map(([call]) =>
      call.replaceAll(/"(?:[^"\\]|\\.)*"/g, ""),
    );
    const word = /\b(lookup|rand\w+|uuidv4|now|date\w*|gen[A-Z]\w*|getHostByName|Capabilities)\b/;
    expect(
      calls.filter((call) => word.test(call)),
      file,
    ).toEqual([]);
  }
});
