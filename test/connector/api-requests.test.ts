import { expect, test } from "vitest";
import { crdItem } from "./crd/parts.ts";
import { fakeControlPlane } from "../fake/control-plane.ts";
import { fakeApi } from "../stores/kubernetes/fake-api.ts";
import { pod } from "../stores/kubernetes/pod.ts";
import { eventually, start } from "./session/harness.ts";

test("requests to the Kubernetes API are counted by verb, resource and status", async () => {
  await using api = await fakeApi(() => ({ status: 403, reason: "Forbidden" }));
  await using files = await pod({ url: api.url, ca: api.ca, token: "token" });
  await using plane = await fakeControlPlane({ intervalMs: 250, answerMs: 500, unreachableMs: 2_250 });
  await using started = await start(plane, {
    crdNamespaces: ["data"],
    judgeResource: () => Promise.resolve(crdItem("a.data", "1")),
    environment: files.environment,
  });
  await eventually(() => api.asked.length >= 2);
  const { text } = await started.get("/metrics");
  expect(text).toContain(
    'mooring_kubernetes_api_requests_total{verb="list",resource="integrations",code="403"}',
  );
  expect(text).toMatch(/^mooring_informer_restarts_total\{resource="integrations"\} [1-9]/m);
});
