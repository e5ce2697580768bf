import { expect, test } from "vitest";
import { z } from "zod";
import { check } from "../../../src/connector/check.ts";
import { systemClock } from "../../../src/connector/clock.ts";
import { createNetwork } from "../../../src/connector/dial/place.ts";
import { Failure } from "../../../src/connector/failure.ts";
import type { IntegrationType } from "../../../src/connector/integrations/integration.ts";
import { boundSecret } from "../../fake/secret.ts";

const VALUE = "hunter2-and-more";
const IN_HEX = Buffer.from(VALUE).toString("hex");

/** A target whose certificate has this name, before it is given the secret. */
const named = (names: string): IntegrationType => ({
  type: "named",
  summary: "",
  config: z.unknown(),
  secret: { required: true, shapes: [["token"]] },
  stages: () => ["tls", "secret"],
  address: () => "target.test:443",
  target: () => ({ host: "target.test", port: 443, protection: "verified" }),
  facts: () => ({}),
  coverage: () => [],
  open: (_config, run) =>
    run.stage("tls", () =>
      Promise.reject(
        new Failure("tls", "certificate_name_mismatch", {
          names,
          serverName: "target.test",
          target: "target.test:443",
        }),
      ),
    ),
});

test("a certificate that names the secret is not quoted, though this look did not get to read it", async () => {
  const told = async (names: string, known?: () => Promise<readonly string[]>): Promise<string> => {
    const read = (): Promise<never> => Promise.reject(new Error("it is not read"));
    const secret = boundSecret({ read, ...(known === undefined ? {} : { known }) });
    const item = { name: "a", type: named(names), config: {}, secret, timeoutMs: 5_000, suspend: false };
    const report = await check(item, { clock: systemClock, network: createNetwork({}, []) });
    return JSON.stringify(report);
  };
  const known = (): Promise<readonly string[]> => Promise.resolve([VALUE]);
  expect(await told(`${IN_HEX}.test`, known)).toContain("withheld");
  expect(await told(`${IN_HEX}.test`, known)).not.toContain(IN_HEX);
  expect(await told("other.test", known)).toContain("other.test");
  expect(await told("other.test")).toContain("other.test");
});
