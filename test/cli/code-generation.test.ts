import { expect, test } from "vitest";
import { mooring } from "./run.ts";

/** Says, as the process starts, whether it compiles strings. */
const PROBE = `data:text/javascript,${encodeURIComponent(
  'try { Function("1"); console.error("open") } catch { console.error("locked") }',
)}`;

test("a connector compiles no strings, whatever a server makes a driver do", async () => {
  const { code, stdout, stderr } = await mooring(["connector", "--help"], {
    NODE_OPTIONS: `--import=${PROBE}`,
  });
  expect(code).toBe(0);
  expect(stdout).toContain("connector [FILE]");
  // It starts itself anew, in the same process.
  expect(stderr.trim().split("\n")).toEqual(["open", "locked"]);
});

test("one that was started so is not started again", async () => {
  const options = `--disallow-code-generation-from-strings --import=${PROBE}`;
  const { code, stderr } = await mooring(["connector", "--help"], { NODE_OPTIONS: options });
  expect([code, stderr.trim()]).toEqual([0, "locked"]);
});
