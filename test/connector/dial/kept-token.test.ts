import { expect, test } from "vitest";
import { type GivenToken, KeptToken } from "../../../src/connector/dial/kept-token.ts";
import { Failure } from "../../../src/connector/failure.ts";
import { FakeClock } from "../../fake/clock.ts";

const forever = new AbortController().signal;

/** A giver whose tokens are numbered, and that answers when it is let. */
function giver(lastsMs = 3000) {
  const asked: {
    signal: AbortSignal;
    give: (token?: GivenToken) => void;
    refuse: (error: unknown) => void;
  }[] = [];
  const ask = (signal: AbortSignal): Promise<GivenToken> => {
    const { promise, resolve, reject } = Promise.withResolvers<GivenToken>();
    const value = `token-${asked.length + 1}`;
    signal.addEventListener("abort", () =>
      reject(new Failure("secret", "store_timeout", { endpoint: "giver" })),
    );
    asked.push({ signal, give: (token = { value, lastsMs }) => resolve(token), refuse: reject });
    return promise;
  };
  return { asked, ask };
}

test("is asked for once by all that wait, and kept for two thirds of its time", async () => {
  const clock = new FakeClock();
  const { asked, ask } = giver();
  const token = new KeptToken(clock, ask);
  const waiting = [token.get(forever), token.get(forever), token.get(forever)];
  asked[0]?.give();
  expect(await Promise.all(waiting)).toEqual(["token-1", "token-1", "token-1"]);
  await clock.advance(1999);
  expect(await token.get(forever)).toBe("token-1");
  await clock.advance(1);
  const next = token.get(forever);
  asked[1]?.give();
  expect(await next).toBe("token-2");
  expect(asked).toHaveLength(2);
});

test("without an end it is kept until it is dropped; an old one that is dropped late changes nothing", async () => {
  const clock = new FakeClock();
  const { asked, ask } = giver(Number.POSITIVE_INFINITY);
  const token = new KeptToken(clock, ask);
  const first = token.get(forever);
  asked[0]?.give();
  await first;
  await clock.advance(1e9);
  expect(await token.get(forever)).toBe("token-1");
  token.drop("token-1");
  const second = token.get(forever);
  asked[1]?.give();
  expect(await second).toBe("token-2");
  token.drop("token-1");
  expect(await token.get(forever)).toBe("token-2");
});

test("one that goes leaves the others waiting; the last ends the asking and hears why", async () => {
  const { asked, ask } = giver();
  const token = new KeptToken(new FakeClock(), ask);
  const [one, other] = [new AbortController(), new AbortController()];
  const first = token.get(one.signal);
  const second = token.get(other.signal);
  one.abort();
  await expect(first).rejects.toMatchObject({ reason: "store_timeout" });
  expect(asked[0]?.signal.aborted).toBe(false);
  other.abort();
  await expect(second).rejects.toMatchObject({ reason: "store_timeout", evidence: { endpoint: "giver" } });
  expect(asked[0]?.signal.aborted).toBe(true);
  const next = token.get(forever);
  asked[1]?.give();
  expect(await next).toBe("token-2");
});

test("a refusal is told to all that wait, and kept for nobody", async () => {
  const { asked, ask } = giver();
  const token = new KeptToken(new FakeClock(), ask);
  const waiting = [token.get(forever), token.get(forever)];
  asked[0]?.refuse(new Failure("secret", "store_identity_rejected"));
  for (const one of waiting) await expect(one).rejects.toMatchObject({ reason: "store_identity_rejected" });
  const next = token.get(forever);
  asked[1]?.give();
  expect(await next).toBe("token-2");
});
