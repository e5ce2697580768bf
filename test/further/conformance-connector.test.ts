import { describe, expect, test } from "vitest";
import { CONNECTOR_CASES } from "../conformance/connector-cases.ts";
import { judge } from "../conformance/judge.ts";
import { ConnectorSubject } from "../conformance/subjects.ts";

/** Most of it is waiting: so many connectors wait at the same time. */
const AT_ONCE = 3;

// Each is told as `npm run conformance` tells it; `npm run conformance -- --only 29` runs one alone.
for (let from = 0; from < CONNECTOR_CASES.length; from += AT_ONCE)
  describe.concurrent("a connector", () => {
    test.each(CONNECTOR_CASES.slice(from, from + AT_ONCE))("$number: $says", async (one) => {
      const { outcome, saw } = await judge(one, new ConnectorSubject(one.scale));
      expect(outcome, saw).toBe("passed");
    });
  });
