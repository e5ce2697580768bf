import type { IncomingMessage, RequestListener } from "node:http";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { http } from "../../src/connector/integrations/http/http.ts";
import { babbles, httpServer, scripted, speaks, type Target } from "../fake/targets.ts";
import { encrypted } from "./encrypted.ts";
import { type Expected, expectLook, expectWords, unreachable } from "./expected.ts";
import { HOST, look, type Looked, type LookSettings } from "./look.ts";
import { fixtures } from "./subject.ts";

const TIMEOUT_MS = 5000;
const LOGIN = JSON.stringify({ username: "me", password: "p:ä" });

interface Wish extends LookSettings {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly path?: string;
}

async function lookAt(target: Target, wish: Wish = {}): Promise<Looked> {
  const url = `http://${HOST}:${target.port}${wish.path ?? "/"}`;
  const looked = await look(http, { url, ...wish.config }, { timeoutMs: TIMEOUT_MS, ...wish });
  await target.idle();
  return looked;
}

/** Looks at a server of its own, and holds what came of it against what must. */
async function expectAt(handler: RequestListener, expected: Expected, wish: Wish = {}): Promise<Looked> {
  await using target = await httpServer(handler);
  const looked = await lookAt(target, wish);
  expectLook(looked, expected, TIMEOUT_MS);
  return looked;
}

function answers(status: number, headers: Record<string, string> = {}, body = "hello"): RequestListener {
  return (_request, response) => response.writeHead(status, headers).end(body);
}

const EXPIRED = { "WWW-Authenticate": 'Bearer error="invalid_token", error_description="The token Expired"' };
const REJECTED = { "WWW-Authenticate": 'Bearer error="invalid_token", error_description="unknown key"' };
const UNEXPECTED = unreachable("respond", "unexpected_status");
const OVERLOADED = unreachable("respond", "server_overloaded");
const ERROR = unreachable("respond", "server_error");
const LIMITED = unreachable("respond", "rate_limited");
const WRONG: Expected = ["secret_invalid", "authenticate", "credentials_rejected"];
const STALE: Expected = ["secret_invalid", "authenticate", "token_expired"];
const POWERLESS: Expected = ["integration_unreachable", "authorize", "permission_denied"];

describe.concurrent("by the status", () => {
  test.each<[status: number, headers: Record<string, string>, without: Expected, withToken: Expected]>([
    [200, {}, "online", "online"],
    [204, {}, "online", "online"],
    [299, {}, "online", "online"],
    [401, {}, UNEXPECTED, WRONG],
    [401, REJECTED, UNEXPECTED, WRONG],
    [401, EXPIRED, UNEXPECTED, STALE],
    [403, {}, UNEXPECTED, POWERLESS],
    [404, {}, UNEXPECTED, UNEXPECTED],
    [429, {}, LIMITED, LIMITED],
    [503, {}, OVERLOADED, OVERLOADED],
    [500, {}, ERROR, ERROR],
    [502, {}, ERROR, ERROR],
    [599, {}, ERROR, ERROR],
    [301, {}, UNEXPECTED, UNEXPECTED],
    [304, {}, UNEXPECTED, UNEXPECTED],
  ])("%i %o", async (status, headers, without, withToken) => {
    const handler = answers(status, headers, status === 204 || status === 304 ? "" : "hello");
    const looked = await expectAt(handler, without);
    const { cause } = looked.report;
    if (cause !== null) expect(cause).toContain(String(status));
    await expectAt(handler, withToken, { secret: "a-token" });
  });

  test.each<[status: (string | number)[], answered: number, expected: Expected]>([
    [["404"], 404, "online"],
    [[404], 404, "online"],
    [["200-204", "300-399"], 307, "online"],
    [["200-204"], 205, UNEXPECTED],
    [["404"], 200, UNEXPECTED],
    [["401"], 401, "online"],
    [["500-503"], 503, "online"],
  ])("expect.status %o, answered %i", async (status, answered, expected) => {
    const config = { expect: { status } };
    await expectAt(answers(answered), expected, { config });
    await expectAt(answers(answered), expected, { config, secret: "a-token" });
  });

  test.each([
    ["120", "it asks to wait 120 s"],
    ["Wed, 21 Oct 2099 07:28:00 GMT", "it asks to wait until 2099-10-21T07:28:00.000Z"],
    ["some prose of the server", "too many requests."],
  ])("Retry-After: %s", async (header, words) => {
    const { report } = await expectAt(answers(429, { "Retry-After": header }), LIMITED);
    expect(report.cause).toContain(words);
    expect(report.cause).not.toContain("prose");
  });
});

describe.concurrent("redirects", () => {
  async function placeOf(location: string, wish: Wish = {}): Promise<string> {
    const { report } = await expectAt(answers(302, { Location: location }), UNEXPECTED, wish);
    return report.cause ?? "";
  }

  test("the place is told without query, fragment and login", async () => {
    const cause = await placeOf("https://u:p@sso.test/login?session=abc#x");
    expect(cause).toContain("points to https://sso.test/login;");
    expect(cause).not.toMatch(/session|abc|u:p|#x/);
  });

  test("a relative place is made whole", async () => {
    expect(await placeOf("/elsewhere")).toMatch(/points to http:\/\/target\.test:\d+\/elsewhere;/);
  });

  test.each(["hunter22", encodeURIComponent("h u+nter"), Buffer.from("hunter22").toString("base64")])(
    "a value of the secret in it is withheld: %s",
    async (echoed) => {
      const secret = JSON.stringify({ token: "hunter22", other: "h u+nter" });
      const cause = await placeOf(`/login/${echoed}`, { secret });
      expect(cause).toContain("withheld");
      expect(cause).not.toContain(echoed);
    },
  );

  test.each(["", "http://[broken", "javascript:alert(1)"])("nonsense as a place: %o", async (location) => {
    expect(await placeOf(location)).not.toContain("alert");
  });
});

describe.concurrent("the body", () => {
  const config = { expect: { body: "all is well" } };

  test("has the text, cut anywhere", async () => {
    const handler: RequestListener = (_request, response) => {
      response.write("so far all i");
      setImmediate(() => response.end("s well, thank you"));
    };
    await expectAt(handler, "online", { config });
  });

  test("lacks the text", async () => {
    await expectAt(answers(200), unreachable("respond", "unexpected_body"), { config });
  });

  test.each<[name: string, bytes: string, expected: Expected]>([
    [
      "ends before its length",
      "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello",
      unreachable("respond", "connection_reset"),
    ],
    [
      "ends within a chunk",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhel",
      unreachable("respond", "connection_reset"),
    ],
    ["ends within the head", "HTTP/1.1 200 OK\r\nX-A: b\r\n", unreachable("respond", "connection_reset")],
    ["ends with the connection", "HTTP/1.1 200 OK\r\n\r\nhello", "online"],
    ["is chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "online"],
    [
      "is followed by more",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 500 No\r\n\r\n",
      "online",
    ],
    [
      "has a length that is none",
      "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
      unreachable("respond", "protocol_mismatch"),
    ],
    [
      "comes after 101",
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nx",
      unreachable("respond", "protocol_mismatch"),
    ],
    [
      "comes after 103",
      "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
      "online",
    ],
  ])("%s", async (_name, bytes, expected) => {
    await using target = await speaks(bytes, { when: "data", thenEnd: true });
    expectLook(await lookAt(target), expected, TIMEOUT_MS);
  });
});

test("HTTP that breaks its rules is told as that, not as another protocol", async () => {
  const bytes = "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n";
  await using target = await speaks(bytes, { when: "data", thenEnd: true });
  const { report } = await lookAt(target);
  expect(report.cause).toMatch(/ answered in HTTP, but broke its rules \(HPE_INVALID_CONTENT_LENGTH\)\.$/);
  expect(report.remedy[0]?.text).toContain("mend what it sends");
});

describe.concurrent("more than the budget", () => {
  const tooLarge = unreachable("respond", "response_too_large");

  test("just under 1 MiB, then just over", async () => {
    await expectAt(answers(200, {}, "x".repeat(1024 * 1024 - 2000)), "online");
    const { report } = await expectAt(answers(200, {}, "x".repeat(1024 * 1024)), tooLarge);
    expect(report.cause).toContain("1 MiB");
  });

  test("the body of an answer that is not wanted is not read", async () => {
    await expectAt(answers(404, {}, "x".repeat(4 * 1024 * 1024)), UNEXPECTED);
  });

  test.each([
    ["endless 100-continue", "", "HTTP/1.1 100 Continue\r\n\r\n".repeat(100)],
    ["a header without end", "HTTP/1.1 200 OK\r\nX-Long: ", "x".repeat(16_384)],
    ["headers without end", "HTTP/1.1 200 OK\r\n", "X-More: yes\r\n".repeat(1000)],
    [
      "chunks without end",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
      "1\r\nx\r\n".repeat(1000),
    ],
    [
      "a chunk's extension without end",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;",
      "x".repeat(16_384),
    ],
  ])("%s", async (_name, prefix, chunk) => {
    await using target = await babbles({ when: "data", prefix, chunk });
    expectLook(await lookAt(target), tooLarge, TIMEOUT_MS);
  });
});

describe.concurrent("the request", () => {
  async function requestOf(wish: Wish): Promise<IncomingMessage> {
    const seen: IncomingMessage[] = [];
    const handler: RequestListener = (request, response) => {
      seen.push(request);
      response.end();
    };
    await expectAt(handler, "online", wish);
    const [request] = seen;
    if (request === undefined) throw new Error("no request came");
    return request;
  }

  test("a token is sent as Bearer, trimmed", async () => {
    const plain = await requestOf({ secret: " tok.en=\n" });
    expect(plain.headers.authorization).toBe("Bearer tok.en=");
    const field = await requestOf({ secret: JSON.stringify({ token: "from-json" }) });
    expect(field.headers.authorization).toBe("Bearer from-json");
  });

  test("a login is sent as Basic, in UTF-8", async () => {
    const { headers } = await requestOf({ secret: LOGIN });
    expect(headers.authorization).toBe(`Basic ${Buffer.from("me:p:ä", "utf8").toString("base64")}`);
  });

  test("method, path, query, headers and Host", async () => {
    const headers = { "X-Ask": "yes", "User-Agent": "other" };
    const request = await requestOf({ path: "/a%20b?q=1", config: { method: "HEAD", headers } });
    expect([request.method, request.url]).toEqual(["HEAD", "/a%20b?q=1"]);
    expect(request.headers).toMatchObject({ "x-ask": "yes", "user-agent": "other", connection: "close" });
    expect(request.headers.host).toMatch(/^target\.test:\d+$/);
    expect(request.headers.authorization).toBeUndefined();
  });

  test("HEAD has no body to wait for", async () => {
    const handler = answers(200, { "Content-Length": "1000000" }, "");
    await expectAt(handler, "online", { config: { method: "HEAD" } });
  });

  test("a token that no header can carry is told by its form", async () => {
    const { report } = await expectAt(answers(200), ["secret_invalid", "secret", "secret_unparsable"], {
      secret: "two words",
    });
    expect(JSON.stringify(report)).not.toContain("two words");
  });

  test("a secret that is sent without encryption is a finding", async () => {
    const { report } = await expectAt(answers(200), "online", { secret: "a-token" });
    expect(report.findings.map(({ subject, verdict }) => [subject, verdict])).toEqual([
      ["encryption", "failed"],
    ]);
  });
});

describe.concurrent("http:// to a port that insists on TLS", () => {
  const required = unreachable("tls", "tls_required");

  test("which hangs up, and answers a ClientHello", async () => {
    await using made = await fixtures();
    const { certificate } = made;
    await using target = await encrypted({ certificate, asked: false }, ({ stream }) => void stream.resume());
    expectLook(await lookAt(target), required, TIMEOUT_MS);
  });

  test("which demands a client certificate besides", async () => {
    await using made = await fixtures();
    const { certificate } = made;
    const clientCa = made.authority.certPem;
    await using target = await encrypted({ certificate, asked: false, clientCa }, () => {});
    expectLook(await lookAt(target), required, TIMEOUT_MS);
  });

  test("which answers 400, as nginx does", async () => {
    await using made = await fixtures();
    const { certificate } = made;
    await using secure = await encrypted({ certificate, asked: false }, ({ stream }) => void stream.resume());
    await using target = await scripted((socket) => {
      socket.once("data", (bytes) => {
        if (bytes[0] !== 0x16) return void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n");
        const onward = connect(secure.port, "127.0.0.1");
        onward.write(bytes);
        socket.pipe(onward).pipe(socket);
        socket.once("close", () => onward.destroy());
      });
    });
    expectLook(await lookAt(target), required, TIMEOUT_MS);
  });

  test("a plain 400 stays a 400", async () => {
    const { report } = await expectAt(answers(400), UNEXPECTED);
    expectWords(report);
  });

  test("a port that hangs up on both is told by its first word, in time", async () => {
    await using target = await scripted((socket) => {
      socket.on("data", (bytes) => {
        if (bytes[0] !== 0x16) socket.end();
      });
    });
    const looked = await lookAt(target, { timeoutMs: 800 });
    expectLook(looked, unreachable("respond", "connection_reset"), 800);
  });
});
