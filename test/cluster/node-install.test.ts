/** Both programs on a real node, installed by their charts as docs/install.md says; then what can happen to them there. */
import { afterAll, beforeAll, describe } from "vitest";
import { calmSuite, calmValues } from "./installed/calm.suite.ts";
import { memorySuite } from "./installed/memory.suite.ts";
import { notesSuite } from "./installed/notes.suite.ts";
import { outageSuite } from "./installed/outage.suite.ts";
import { planeSuite } from "./installed/plane.suite.ts";
import { type Guarded, guarded } from "./installed/servers.ts";
import { targets } from "./installed/targets.ts";
import { upgradeSuite } from "./installed/upgrade.suite.ts";
import { watchedSuite } from "./installed/watched.suite.ts";
import { installWorld, type World } from "./installed/world.ts";
import { canRunNode } from "./node.ts";

const why = await canRunNode();

describe.skipIf(why !== undefined)(
  `installed by helm${why === undefined ? "" : ` (skipped: ${why})`}`,
  () => {
    const parts = new AsyncDisposableStack();
    const place = {} as { world: World; shop: Guarded; login: Guarded };

    beforeAll(async () => {
      place.world = await installWorld(async (node) => {
        place.shop = parts.use(await guarded(node.hostAddress, "token-of-today"));
        place.login = parts.use(await guarded(node.hostAddress, "token-of-ever"));
        await node.kubectl(["apply", "-f", "-"], { stdin: targets() });
        return calmValues(place.shop.url);
      });
      parts.use(place.world);
      await place.world.plane.integrationIs("prod-eu/answers", "online");
      const seconds = place.world.sinceBegin().toFixed(1);
      console.log(
        `from the first command for an empty cluster to an integration that is online: ${seconds} s`,
      );
    });
    afterAll(() => parts.disposeAsync());

    // Side by side, since they wait most of their time: each has a connector of its own.
    const sideBySide = { concurrent: true } as const;
    describe("a connector that is left alone", sideBySide, () => {
      notesSuite(() => place);
      calmSuite(() => place);
    });
    describe("one that is upgraded", sideBySide, () => upgradeSuite(() => place));
    describe("one that is cut off", sideBySide, () => outageSuite(() => place));
    describe("one with too little memory", sideBySide, () => memorySuite(() => place));
    describe("one of fifty integrations, and what watches them", sideBySide, () => watchedSuite(() => place));
    // After all of them.
    describe("a control plane", () => planeSuite(() => place));
  },
);
