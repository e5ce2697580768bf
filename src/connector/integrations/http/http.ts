import type { Socket } from "node:net";
import type { Stage } from "../../../protocol/stages.ts";
import { certificateLeft, dial, handshake } from "../../dial/dial.ts";
import { isoDate } from "../../dial/tls.ts";
import { durationWords } from "../../duration.ts";
import { Failure } from "../../failure.ts";
import type { Run } from "../../run.ts";
import type { IntegrationType } from "../integration.ts";
import {
  type Config,
  config,
  expectedStatus,
  type HttpTarget,
  isExpected,
  proxyOf,
  shownUrl,
  targetOf,
} from "./config.ts";
import { type Answer, exchange } from "./exchange.ts";

const SHAPES = [["token"], ["username", "password"]] as const;

/** An HTTP endpoint: it answers as expected, and with a secret, to whom it should. */
export const http: IntegrationType<Config> = {
  type: "http",
  summary: "An HTTP endpoint: status and body as expected, with a token or a login where it needs one.",
  config,
  secret: { required: false, shapes: SHAPES },
  stages(config, hasSecret) {
    const tls: readonly Stage[] = targetOf(config).tls ? ["tls"] : [];
    const known: readonly Stage[] = hasSecret ? ["authenticate", "authorize"] : [];
    return ["resolve", "connect", ...tls, ...(hasSecret ? (["secret"] as const) : []), "respond", ...known];
  },
  address: (config) => shownUrl(targetOf(config).url),
  target(config) {
    const { host, port, tls } = targetOf(config);
    return { host, port, protection: tls ? "verified" : "none" };
  },
  facts(config) {
    const { url, tls } = targetOf(config);
    const other = shownUrl(url).replace(/^https?/, tls ? "http" : "https");
    const method = config.method ?? "GET";
    return { protocol: "HTTP", url: shownUrl(url), method, [tls ? "plainUrl" : "secureUrl"]: other };
  },
  coverage(config, hasSecret) {
    const { url } = targetOf(config);
    const asked = `Anything but ${config.method ?? "GET"} ${shownUrl(url)}: no other path or method was tried.`;
    const body =
      config.expect?.body === undefined ? ["That the body is right: only the status was compared."] : [];
    const login = hasSecret ? [] : ["What the endpoint answers to somebody who is logged in."];
    return [asked, ...body, ...login];
  },
  files: (config) => (config.tls?.ca === undefined ? [] : [{ path: ["tls", "ca"], file: config.tls.ca }]),
  async open(config, run) {
    const target = targetOf(config);
    const proxy = proxyOf(config, target, run.network.environment);
    const raw = await dial(run, { ...target, proxy });
    const socket = target.tls ? await secured(run, raw, target, config) : raw;
    const login = run.hasSecret ? await readLogin(run, target) : undefined;
    const answer = await run.stage("respond", (signal) => ask(run, socket, target, config, login, signal));
    if (run.hasSecret) await judgeLogin(run, answer, config);
    return { [Symbol.asyncDispose]: () => Promise.resolve() };
  },
};

async function secured(run: Run, raw: Socket, target: HttpTarget, config: Config): Promise<Socket> {
  const { socket, certificate } = await handshake(run, raw, target.host, { mode: "verify", ...config.tls });
  const left = certificateLeft(certificate, run.clock.now());
  const text = `expires at ${isoDate(certificate.valid_to)}, in ${durationWords(left ?? 0)}`;
  if (left !== undefined) run.find({ subject: "certificate", verdict: "passed", text });
  return socket;
}

async function readLogin(run: Run, target: HttpTarget): Promise<string> {
  const { token, username, password } = await run.secret(...SHAPES);
  if (!target.tls) {
    run.find({
      subject: "encryption",
      verdict: "failed",
      text: "the secret was sent without encryption (http:)",
    });
  }
  if (token === undefined) return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const value = token.trim();
  if (/^[\u0021-\u007e]+$/.test(value)) return `Bearer ${value}`;
  const evidence = { form: "a token", trouble: "it holds a space, a line end or a letter beyond ASCII" };
  const failure = new Failure("secret", "secret_unparsable", {
    ...evidence,
    example: "one line without spaces",
  });
  return run.stage("secret", () => Promise.reject(failure));
}

async function ask(
  run: Run,
  socket: Socket,
  target: HttpTarget,
  config: Config,
  login: string | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const { url, host, port, tls } = target;
  const expected = expectedStatus(config);
  try {
    const answer = await exchange({
      socket,
      host,
      port,
      defaultPort: tls ? 443 : 80,
      path: `${url.pathname}${url.search}`,
      method: config.method ?? "GET",
      headers: {
        "user-agent": "mooring",
        accept: "*/*",
        ...config.headers,
        ...(login === undefined ? {} : { authorization: login }),
      },
      signal,
      wantsBody: (status) => isExpected(status, expected),
      needle: config.expect?.body,
    });
    judge(run, answer, config, login !== undefined);
    return answer;
  } catch (error) {
    if (!tls && suggestsTls(error) && (await speaksTls(run, target, config))) {
      throw new Failure("tls", "tls_required", {}, error);
    }
    throw error;
  }
}

/** Rules for the answer in the order of the reference: expected, login refused, then by the status. */
function judge(run: Run, { status, headers, found }: Answer, config: Config, hasLogin: boolean): void {
  const expected = expectedStatus(config);
  const evidence = { status, code: status, expected: expected.join(", ") };
  if (isExpected(status, expected)) {
    if (!found) throw new Failure("respond", "unexpected_body", evidence);
    return;
  }
  if (hasLogin && (status === 401 || status === 403)) return; // The server answered; whom to is the next question.
  if (status === 429) {
    throw new Failure("respond", "rate_limited", {
      ...evidence,
      retryAfter: run.shown(retryWords(headers["retry-after"])),
    });
  }
  if (status === 503) throw new Failure("respond", "server_overloaded", evidence);
  if (status >= 500) throw new Failure("respond", "server_error", evidence);
  const location = status >= 300 && status < 400 ? placeOf(run, headers.location, config) : "";
  throw new Failure("respond", "unexpected_status", { ...evidence, location });
}

/** Seconds or a date, as RFC 9110 §10.2.3 has it; anything else is not repeated. */
function retryWords(header: string | undefined): string {
  if (header === undefined) return "";
  if (/^\d{1,6}$/.test(header)) return `${header} s`;
  const at = Date.parse(header);
  return Number.isNaN(at) ? "" : `until ${new Date(at).toISOString()}`;
}

/** Where a redirect points, without query, fragment or login. */
function placeOf(run: Run, location: string | undefined, config: Config): string {
  if (location === undefined || !URL.canParse(location, config.url)) return "";
  const url = new URL(location, config.url);
  const place = url.protocol.startsWith("http") ? shownUrl(url) : url.protocol;
  return run.shown(place, location); // A URL's host is in small letters, Base64 is not.
}

async function judgeLogin(run: Run, { status, headers }: Answer, config: Config): Promise<void> {
  const refused = !isExpected(status, expectedStatus(config));
  await run.stage("authenticate", () => {
    if (!refused || status !== 401) return Promise.resolve();
    const expired = isExpired(headers["www-authenticate"]);
    const reason = expired ? "token_expired" : "credentials_rejected";
    return Promise.reject(new Failure("authenticate", reason, { status, code: status }));
  });
  await run.stage("authorize", () => {
    if (!refused) return Promise.resolve();
    const right = `${config.method ?? "GET"} it`;
    return Promise.reject(new Failure("authorize", "permission_denied", { status, right, code: status }));
  });
}

/** RFC 6750 §3: the words beside error="invalid_token" say whether the token has expired. */
export function isExpired(challenge: string | undefined): boolean {
  const description = /error_description\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/i.exec(challenge ?? "");
  return /expired/i.test(description?.[1] ?? description?.[2] ?? "");
}

/** What a server that insists on TLS does to plain text: it hangs up, or it answers 400. */
function suggestsTls(error: unknown): boolean {
  if (!(error instanceof Failure)) return false;
  return (
    error.reason === "connection_reset" ||
    (error.reason === "unexpected_status" && error.evidence["status"] === 400)
  );
}

/** A second look, by ClientHello, at a port that did not take plain text. */
async function speaksTls(run: Run, target: HttpTarget, config: Config): Promise<boolean> {
  const look = run.aside();
  try {
    const proxy = proxyOf(config, target, run.network.environment);
    const socket = await dial(look, { ...target, proxy });
    await handshake(look, socket, target.host, { mode: "require", ...config.tls });
    return true;
  } catch (error) {
    // A refusal by a TLS alert is TLS too; silence and other bytes are not.
    if (!(error instanceof Failure)) return false;
    return error.reason === "client_certificate_required" || String(error.evidence["code"]).includes("ALERT");
  }
}
