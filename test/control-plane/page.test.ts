import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pageRoutes } from "../../src/control-plane/page.ts";

describe("the page's routes", () => {
  let directory = "";
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "mooring-page-"));
    mkdirSync(join(directory, "assets"));
    writeFileSync(join(directory, "index.html"), "<!doctype html><title>Mooring</title>");
    writeFileSync(join(directory, "assets", "index-a1b2.js"), "console.log(1)");
    writeFileSync(join(directory, "secret.map"), "{}");
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test.each([
    "/",
    "/connectors/a",
    "/connectors/a/test",
    "/integrations/a/b",
    "/secrets",
    "/secrets/demo/file-1f0c9a",
    "/tokens",
    "/add",
    "/sign-in",
  ])("%s answers the page", async (path) => {
    const answer = await pageRoutes(directory).request(path);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain("Mooring");
    expect(answer.headers.get("cache-control")).toBe("no-cache");
    const policy = answer.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'self'");
    expect(policy).not.toMatch(/unsafe|\*|data:/);
  });

  test("a place that is none answers the page with 404; the API's paths are left alone", async () => {
    const routes = pageRoutes(directory);
    expect((await routes.request("/no/such/place")).status).toBe(404);
    expect((await routes.request("/secrets/demo")).status).toBe(404);
    expect(await (await routes.request("/no/such/place")).text()).toContain("Mooring");
    for (const path of ["/api/v1/nothing", "/v1/connect", "/metrics"])
      expect(await (await routes.request(path)).text(), path).toBe("404 Not Found");
  });

  test("assets never change, and travel packed where that is asked for", async () => {
    const answer = await pageRoutes(directory).request("/assets/index-a1b2.js", {
      headers: { "accept-encoding": "gzip, br" },
    });
    expect(answer.headers.get("cache-control")).toBe("public, max-age=31536000, immutable");
    expect(answer.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(gunzipSync(Buffer.from(await answer.arrayBuffer())).toString()).toBe("console.log(1)");
    const plain = await pageRoutes(directory).request("/assets/index-a1b2.js");
    expect(await plain.text()).toBe("console.log(1)");
    const again = await pageRoutes(directory).request("/", {
      headers: { "if-none-match": (await pageRoutes(directory).request("/")).headers.get("etag") ?? "" },
    });
    expect(again.status).toBe(304);
  });

  test("only the page's own kinds of files are served, and none from outside", async () => {
    for (const path of [
      "/secret.map",
      "/../package.json",
      "/%2e%2e/package.json",
      "/assets/%2e%2e/%2e%2e/package.json",
    ])
      expect((await pageRoutes(directory).request(path)).status, path).toBe(404);
  });

  test("a page that was not built says how to build it", async () => {
    const answer = await pageRoutes(join(directory, "absent")).request("/");
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain("npm run build:web");
  });
});
