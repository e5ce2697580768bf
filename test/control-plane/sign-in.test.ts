import { createHash } from "node:crypto";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { SignIn } from "../../src/control-plane/sign-in.ts";

const ORIGIN = "https://mooring.acme.example";
const PAGE = { origin: ORIGIN, "mooring-page": "1", "content-type": "application/json" };

function hash(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

function place(options: { operator?: string; origin?: string } = {}) {
  let now = 1_000_000;
  const { operator = "open sesame", origin = ORIGIN } = options;
  const signIn = new SignIn({
    hashes: { operator: hash(operator), viewer: hash("look") },
    origin,
    isOrigin: (given) => given === origin,
    now: () => now,
    about: { version: "1" },
  });
  const app = new Hono();
  app.use(signIn.guard());
  app.route("/", signIn.routes());
  app.post("/act", (c) => c.text(signIn.sessionOf(c.req.header("cookie")) ?? "nobody"));
  const post = (body: unknown, headers: Record<string, string> = PAGE) =>
    app.request("/session", { method: "POST", headers, body: JSON.stringify(body) });
  return { signIn, app, post, wait: (ms: number) => (now += ms) };
}

async function cookieOf(answer: Response | Promise<Response>): Promise<string> {
  return ((await answer).headers.get("set-cookie") ?? "").split(";")[0] ?? "";
}

describe("sign-in", () => {
  test("a token makes a session that no script can read and no other page can use", async () => {
    const { post, app } = place();
    const answer = await post({ token: " open sesame\n" });
    expect(await answer.json()).toEqual({ role: "operator", version: "1" });
    expect(answer.headers.get("set-cookie")).toMatch(
      /^__Host-mooring=.*Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    );
    const cookie = await cookieOf(answer);
    expect(await (await app.request("/act", { method: "POST", headers: { ...PAGE, cookie } })).text()).toBe(
      "operator",
    );
    for (const headers of [
      { cookie },
      { cookie, origin: ORIGIN },
      { cookie, ...PAGE, origin: "https://evil.example" },
      { cookie, ...PAGE, "sec-fetch-site": "same-site" },
    ] as Record<string, string>[])
      expect((await app.request("/act", { method: "POST", headers })).status, JSON.stringify(headers)).toBe(
        403,
      );
  });

  test("wrong proofs are refused alike", async () => {
    const { post } = place();
    for (const body of [{ token: "close" }, { token: "" }, { token: 1 }, { link: "x" }, {}, null, []])
      expect((await post(body)).status, JSON.stringify(body)).toBe(401);
    expect((await post({ token: "open sesame" }, { "content-type": "application/json" })).status).toBe(403);
  });

  test("a session ends after twelve hours, with the sign-out, and with a new token", async () => {
    const { post, signIn, app, wait } = place();
    const cookie = await cookieOf(post({ token: "look" }));
    expect(signIn.sessionOf(cookie)).toBe("viewer");
    expect(signIn.sessionOf(cookie.replace("viewer", "operator"))).toBeNull();
    await app.request("/session", { method: "DELETE", headers: { ...PAGE, cookie } });
    expect(signIn.sessionOf(cookie)).toBeNull();
    const other = await cookieOf(post({ token: "open sesame" }));
    expect(place().signIn.sessionOf(other), "after a restart").toBe("operator");
    expect(place({ operator: "another" }).signIn.sessionOf(other), "with a new token").toBeNull();
    wait(12 * 3_600_000);
    expect(signIn.sessionOf(other)).toBeNull();
  });

  test("a link works once, within five minutes", async () => {
    const { post, signIn, wait } = place();
    const word = signIn.makeLink();
    expect((await post({ link: word })).status).toBe(200);
    expect((await post({ link: word })).status).toBe(401);
    const late = signIn.makeLink();
    wait(5 * 60_000);
    expect((await post({ link: late })).status).toBe(401);
  });

  test("two control planes on one machine do not share a cookie's name", async () => {
    const names = await Promise.all(
      [7480, 7481].map(async (port) => {
        const origin = `http://127.0.0.1:${port}`;
        const { post } = place({ origin });
        return (await cookieOf(post({ token: "look" }, { ...PAGE, origin }))).split("=")[0];
      }),
    );
    expect(names).toEqual(["mooring-7480", "mooring-7481"]);
  });
});
