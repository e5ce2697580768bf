import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PLANE_CASES } from "../conformance/plane-cases.ts";
import { judge } from "../conformance/judge.ts";
import { PlaneSubject } from "../conformance/subjects.ts";

/** Cases that end the control plane: they may not run beside others. */
const isAlone = ({ needs, number }: (typeof PLANE_CASES)[number]): boolean =>
  needs === "restart" || number === 22;

// Each is told as `npm run conformance` tells it; `npm run conformance -- --only 12` runs one alone.
for (const scale of [0.01, 0.1]) {
  describe(`a control plane at MOORING_TIME_SCALE=${scale}`, () => {
    let plane: PlaneSubject;
    beforeAll(async () => {
      plane = await PlaneSubject.start(scale);
    });
    afterAll(() => plane[Symbol.asyncDispose]());
    const cases = PLANE_CASES.filter((one) => one.scale === scale);
    for (const one of cases) {
      const title = `${one.number}: ${one.says}`;
      const run = async (): Promise<void> => {
        const { outcome, saw } = await judge(one, plane);
        expect(outcome, saw).toBe("passed");
      };
      if (isAlone(one) || scale < 0.1) test(title, run);
      else test.concurrent(title, run);
    }
  });
}
