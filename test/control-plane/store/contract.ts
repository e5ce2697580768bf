import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Store } from "../../../src/control-plane/store/store.ts";
import {
  bucketRow,
  commandRow,
  connectorRow,
  identityRow,
  integrationRow,
  secretRow,
  transitionRow,
} from "./rows.ts";

/** What every store keeps. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  describe(name, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    test("rows come back as they were put, and are replaced by their key", async () => {
      const row = connectorRow("a", {
        troubles: [{ reason: "clock_skew", evidence: { skew: "1 s" }, at: 3 }],
      });
      await store.transact((tx) => tx.putConnector(row));
      expect(await store.connector("a")).toEqual(row);
      await store.transact((tx) => tx.putConnector({ ...row, epoch: 2, nextKey: null }));
      expect(await store.connectorByName("name-a")).toEqual({ ...row, epoch: 2, nextKey: null });
      const integration = integrationRow("a", "db", { pending: true });
      await store.transact((tx) => tx.putIntegration(integration));
      expect(await store.integration("a", "db")).toEqual(integration);
      const command = commandRow("c", "a", {
        stages: [{ stage: "resolve", ok: true, ms: 1.5 }],
        idempotency: "h",
      });
      await store.transact((tx) => tx.putCommand(command));
      expect(await store.command("c")).toEqual(command);
      expect(await store.transact((tx) => tx.commandByIdempotency("h"))).toEqual(command);
    });

    test("secrets: by connector and id, filtered as they are shown, gone with their connector", async () => {
      const silent = { state: "unreachable" } as const;
      await store.transact(async (tx) => {
        await tx.putConnector(connectorRow("a"));
        await tx.putConnector(connectorRow("b", silent));
        for (const row of [
          secretRow("a", "s2", { state: "error" }),
          secretRow("a", "s1"),
          secretRow("a", "s3", { store: "aws" }),
          secretRow("b", "s1"),
        ])
          await tx.putSecret(row);
        await tx.putSecret(secretRow("a", "s1", { observedAt: 9 }));
        await tx.removeSecret("a", "none");
        expect((await tx.secrets("a")).map(({ id }) => id)).toEqual(["s1", "s2", "s3"]);
      });
      expect(await store.secret("a", "s1")).toEqual(secretRow("a", "s1", { observedAt: 9 }));
      expect(await store.secret("a", "none")).toBeUndefined();
      const ids = async (filter: Parameters<Store["secrets"]>[0]): Promise<string[]> =>
        (await store.secrets(filter, { limit: 10 })).items.map((row) => `${row.connectorId}/${row.id}`);
      expect(await ids({})).toEqual(["a/s1", "a/s2", "a/s3", "b/s1"]);
      expect(await ids({ connectorId: "a", state: "error" })).toEqual(["a/s2"]);
      expect(await ids({ state: "unknown" })).toEqual(["b/s1"]);
      expect(await ids({ state: "online", store: "vault" })).toEqual(["a/s1"]);
      const first = await store.secrets({}, { limit: 3 });
      const second = await store.secrets({}, { limit: 3, cursor: first.next ?? "" });
      expect([second.items.map(({ connectorId }) => connectorId), second.next]).toEqual([["b"], null]);
      await store.transact(async (tx) => {
        await tx.removeSecret("a", "s2");
        await tx.removeConnector("b");
      });
      expect(await ids({})).toEqual(["a/s1", "a/s3"]);
    });

    test("a transaction reads what it wrote; one that throws changes nothing, and others go on", async () => {
      const failing = store.transact(async (tx) => {
        await tx.putConnector(connectorRow("bad"));
        expect((await tx.connector("bad"))?.id).toBe("bad");
        throw new Error("on purpose");
      });
      const good = store.transact((tx) => tx.putConnector(connectorRow("good")));
      await expect(failing).rejects.toThrow("on purpose");
      await good;
      expect(await store.connector("bad")).toBeUndefined();
      expect((await store.connector("good"))?.id).toBe("good");
    });

    test("transactions run one at a time, in the order of the calls", async () => {
      await store.transact((tx) => tx.putConnector(connectorRow("a")));
      const add = (): Promise<number> =>
        store.transact(async (tx) => {
          const row = await tx.connector("a");
          const epoch = (row?.epoch ?? 0) + 1;
          await tx.putConnector(connectorRow("a", { epoch }));
          return epoch;
        });
      const epochs = await Promise.all(Array.from({ length: 50 }, add));
      expect(epochs).toEqual(Array.from({ length: 50 }, (_, index) => index + 1));
    });

    test("the marks of the last eight streams are kept", async () => {
      await store.transact((tx) => tx.putConnector(connectorRow("a")));
      for (let index = 1; index <= 10; index += 1)
        await store.transact((tx) =>
          tx.putStream({
            connectorId: "a",
            streamId: `s${index}`,
            mark: index,
            snapshotPending: index % 2 === 0,
            usedAt: index,
          }),
        );
      const kept = await store.transact(async (tx) => [
        await tx.stream("a", "s2"),
        await tx.stream("a", "s3"),
        await tx.stream("a", "s10"),
      ]);
      expect(kept.map((row) => row?.mark)).toEqual([undefined, 3, 10]);
      expect(kept[2]?.snapshotPending).toBe(true);
    });

    test("all streams of a connector but one are put in doubt", async () => {
      await store.transact(async (tx) => {
        for (const id of ["a", "b"]) await tx.putConnector(connectorRow(id));
        for (const [connectorId, streamId] of [
          ["a", "old"],
          ["a", "new"],
          ["b", "old"],
        ] as const)
          await tx.putStream({ connectorId, streamId, mark: 3, snapshotPending: false, usedAt: 1 });
        await tx.doubtOtherStreams("a", "new");
      });
      const pending = (connectorId: string, streamId: string): Promise<boolean | undefined> =>
        store.transact(async (tx) => (await tx.stream(connectorId, streamId))?.snapshotPending);
      expect([await pending("a", "old"), await pending("a", "new"), await pending("b", "old")]).toEqual([
        true,
        false,
        false,
      ]);
    });

    test("lists are paged by cursors, and filter what is shown", async () => {
      await store.transact(async (tx) => {
        await tx.putConnector(connectorRow("a"));
        await tx.putConnector(connectorRow("b", { state: "unreachable" }));
        for (const name of ["x", "y", "z"]) {
          await tx.putIntegration(
            integrationRow("a", name, name === "z" ? { state: "error", condition: "secret_invalid" } : {}),
          );
          await tx.putIntegration(integrationRow("b", name, { state: "error", condition: "secret_invalid" }));
        }
      });
      const names = async (filter: object): Promise<string[]> => {
        const found: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await store.integrations(filter, { limit: 2, cursor });
          expect(page.items.length).toBeLessThanOrEqual(2);
          found.push(...page.items.map((row) => `${row.connectorId}/${row.name}`));
          cursor = page.next ?? undefined;
        } while (cursor !== undefined);
        return found;
      };
      expect(await names({})).toEqual(["a/x", "a/y", "a/z", "b/x", "b/y", "b/z"]);
      expect(await names({ connectorId: "a" })).toEqual(["a/x", "a/y", "a/z"]);
      expect(await names({ state: "unknown" })).toEqual(["b/x", "b/y", "b/z"]);
      expect(await names({ state: "error" })).toEqual(["a/z"]);
      expect(await names({ condition: "secret_invalid" })).toEqual(["a/z"]);
      expect(await names({ type: "http" })).toEqual([]);
      expect((await store.troubled(10)).map(({ connectorId }) => connectorId)).toEqual(["a"]);
      expect((await store.connectors({ limit: 1 })).items.map(({ id }) => id)).toEqual(["a"]);
      await expect(store.connectors({ limit: 1, cursor: "rubbish" })).rejects.toThrow(RangeError);
      const counts = await store.countIntegrations("a");
      expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(3);
    });

    test("history is newest first, between times, paged", async () => {
      await store.transact(async (tx) => {
        await tx.putConnector(connectorRow("a"));
        for (const at of [10, 20, 30, 40]) await tx.addTransition(transitionRow("a", at));
      });
      const of = { connectorId: "a", name: "db" };
      const first = await store.history(of, {}, { limit: 3 });
      expect(first.items.map(({ at }) => at)).toEqual([40, 30, 20]);
      const rest = await store.history(of, {}, { limit: 3, cursor: first.next ?? "" });
      expect([rest.items.map(({ at }) => at), rest.next]).toEqual([[10], null]);
      const between = await store.history(of, { after: 10, before: 40 }, { limit: 10 });
      expect(between.items.map(({ at }) => at)).toEqual([30, 20]);
    });

    test("a removed connector takes all that hangs on it with it", async () => {
      await store.transact(async (tx) => {
        await tx.putConnector(connectorRow("a"));
        await tx.putIntegration(integrationRow("a", "db"));
        await tx.addTransition(transitionRow("a", 10));
        await tx.putCommand(commandRow("c", "a"));
        await tx.putBucket(bucketRow("a", 0));
        await tx.putStream({ connectorId: "a", streamId: "s", mark: 1, snapshotPending: false, usedAt: 1 });
      });
      await store.transact((tx) => tx.removeConnector("a"));
      expect(await store.integrations({}, { limit: 10 })).toEqual({ items: [], next: null });
      expect(await store.openCommands()).toEqual([]);
      expect(await store.buckets("a", "db", 0)).toEqual([]);
      expect((await store.history({ connectorId: "a", name: "db" }, {}, { limit: 10 })).items).toEqual([]);
      expect(await store.transact((tx) => tx.stream("a", "s"))).toBeUndefined();
    });

    test("identities: by issuer and subject, replaced by their id, gone with their connector", async () => {
      const jwks = { keys: [{ kty: "RSA", kid: "k", n: "n", e: "AQAB" }] };
      const a = identityRow("1", "a", { jwks });
      await store.transact(async (tx) => {
        await tx.putConnector(connectorRow("a"));
        await tx.putConnector(connectorRow("b"));
        await tx.putIdentity(identityRow("2", "b"));
        await tx.putIdentity(a);
        await tx.putIdentity(identityRow("3", "b", { subject: "system:serviceaccount:m:other" }));
        expect(await tx.identity("1")).toEqual(a);
        expect(await tx.identity("none")).toBeUndefined();
        expect((await tx.identitiesOf(a.issuer, a.subject)).map(({ id }) => id)).toEqual(["1", "2"]);
      });
      expect(await store.identitiesOf(a.issuer, a.subject)).toEqual([a, identityRow("2", "b")]);
      expect(await store.identitiesOf("https://other", a.subject)).toEqual([]);
      await store.transact((tx) => tx.putIdentity({ ...a, usedAt: 7, jwks: null }));
      expect((await store.identitiesOf(a.issuer, a.subject))[0]).toEqual({ ...a, usedAt: 7, jwks: null });
      const first = await store.identities({ limit: 2 });
      const rest = await store.identities({ limit: 2, cursor: first.next ?? "" });
      expect([first, rest].map(({ items }) => items.map(({ id }) => id))).toEqual([["1", "2"], ["3"]]);
      expect(rest.next).toBeNull();
      expect(await store.transact((tx) => tx.removeIdentity("3"))).toBe(true);
      expect(await store.transact((tx) => tx.removeIdentity("3"))).toBe(false);
      await store.transact((tx) => tx.removeConnector("a"));
      expect((await store.identities({ limit: 9 })).items.map(({ id }) => id)).toEqual(["2"]);
    });

    test("join tokens, token ids, settings and the audit log", async () => {
      const token = {
        id: "t",
        hash: "h",
        connector: "c",
        createdAt: 1,
        expiresAt: 2,
        usedKeyId: null,
        usedAt: null,
        connectorId: null,
      };
      await store.transact((tx) => tx.putJoinToken(token));
      expect(await store.transact((tx) => tx.joinTokenByHash("h"))).toEqual(token);
      expect((await store.joinTokens({ limit: 5 })).items).toEqual([token]);
      expect(await store.transact((tx) => tx.removeJoinToken("t"))).toBe(true);
      expect(await store.transact((tx) => tx.removeJoinToken("t"))).toBe(false);
      expect(await store.transact((tx) => tx.keepTokenId("j", 100))).toBe(true);
      expect(await store.transact((tx) => tx.keepTokenId("j", 100))).toBe(false);
      await store.transact((tx) => tx.putSetting("id", "one"));
      expect(await store.transact((tx) => tx.setting("id"))).toBe("one");
      const entry = { at: 1, actor: "operator", action: "a", target: "t", outcome: "done" };
      await store.transact((tx) => tx.addAudit(entry));
      await store.transact((tx) => tx.addAudit({ ...entry, at: 2 }));
      expect((await store.audit({ limit: 1 })).items.map(({ at }) => at)).toEqual([2]);
    });

    test("what is too old, or too many, is removed", async () => {
      await store.transact(async (tx) => {
        await tx.putConnector(connectorRow("a"));
        for (const at of [10, 20, 30, 40]) {
          await tx.addTransition(transitionRow("a", at));
          await tx.putBucket(bucketRow("a", at));
        }
        await tx.putCommand(commandRow("old", "a", { endedAt: 5 }));
        await tx.putCommand(commandRow("open", "a"));
        await tx.keepTokenId("j", 50);
      });
      const retention = {
        transitionsBefore: 20,
        transitionsMost: 2,
        bucketsBefore: 30,
        commandsBefore: 10,
        auditMost: 10,
        now: 60,
      };
      expect(await store.prune(retention)).toBe(false);
      const { items } = await store.history({ connectorId: "a", name: "db" }, {}, { limit: 10 });
      expect(items.map(({ at }) => at)).toEqual([40, 30]);
      expect((await store.buckets("a", "db", 0)).map(({ at }) => at)).toEqual([30, 40]);
      expect(await store.command("old")).toBeUndefined();
      expect((await store.openCommands()).map(({ id }) => id)).toEqual(["open"]);
      expect(await store.transact((tx) => tx.keepTokenId("j", 100))).toBe(true);
    });
  });
}
