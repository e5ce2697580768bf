import { expect, test } from "vitest";
import { mooring } from "../cli/run.ts";
import { httpServer } from "../fake/secure.ts";
import { canary, google, NAME, secret, version } from "./gcp/looking.ts";

/** Google's own client cannot be loaded so: docs/decisions.md. */
const LOCKED = { NODE_OPTIONS: "--disallow-code-generation-from-strings" };

test("a check by a secret of Google's, in a process that compiles no strings", async () => {
  await using it = await google();
  const token = canary("api");
  it.manager.secrets.set(NAME, secret({ versions: [version({ text: JSON.stringify({ token }) })] }));
  await using target = await httpServer(({ headers }, response) =>
    response.writeHead(headers.authorization === `Bearer ${token}` ? 200 : 401).end(),
  );
  const credentialsFile = await it.file(
    "key.json",
    await it.identity.key("reader@shop.iam.gserviceaccount.com"),
  );
  const file = await it.file("mooring.json", {
    secretStores: [{ name: "gcp", type: "gcp", config: { endpoint: it.url, credentialsFile: "key.json" } }],
    integrations: [
      {
        name: "orders-api",
        type: "http",
        config: { url: `http://127.0.0.1:${target.port}/` },
        secret: { store: "gcp", name: NAME },
      },
    ],
  });
  expect(credentialsFile).toContain("key.json");
  const good = await mooring(["check", file], LOCKED);
  expect([good.code, good.stderr]).toEqual([0, ""]);
  expect(good.stdout).toContain("orders-api");
  it.manager.rights.clear();
  const bad = await mooring(["check", file], LOCKED);
  expect(bad.code).toBe(1);
  expect(bad.stdout).toContain(`Secret ${NAME} is unreachable.`);
  expect(bad.stdout).toContain("gcloud secrets add-iam-policy-binding orders-db");
  for (const told of [good, bad]) expect(JSON.stringify(told)).not.toContain(token);
  const wrong = await it.file("wrong.json", {
    integrations: [
      {
        name: "orders-api",
        type: "http",
        config: { url: `http://127.0.0.1:${target.port}/` },
        secret: { store: "gcp", name: "projects/shop/orders-db" },
      },
    ],
  });
  const refused = await mooring(["check", wrong]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("integrations[0].secret.name: must be projects/PROJECT/secrets/SECRET");
});
