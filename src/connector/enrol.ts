import { type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { ENROL_ERRORS, ENROLL_PATH, type EnrolError, type EnrolRequest } from "../protocol/enrolment.ts";
import { afterRefusal, enrolWords, type TokenFrom } from "./enrol-words.ts";
import type { Enrol } from "./identity.ts";
import { Refusal, type RefusalWord } from "./refusal.ts";
import { agentFor, type TransportSettings } from "./transport.ts";
import { errorWordOf, refusalFor, retryAfterMs } from "./upgrade-refusal.ts";

const MOST_BYTES = 256 * 1024;

/** Posts an enrolment, by the same trust and proxy as the session. `from`: the token's file, for words. */
export function httpEnrol(settings: TransportSettings, from: TokenFrom): Enrol {
  const { origin, host } = settings.address;
  return async (body, signal) => {
    const agent = await agentFor(settings);
    try {
      const { status, headers, text } = await post(new URL(ENROLL_PATH, origin), {
        agent,
        signal,
        text: JSON.stringify(body),
      });
      if (status === 200 || status === 201) return parsed(text);
      const retry = retryAfterMs(headers);
      throw refused(status, { error: errorWordOf(text) ?? "", retry, host, body, from });
    } catch (error) {
      if (signal.aborted && !(error instanceof Refusal))
        throw new Refusal("timeout", `The control plane at ${host} did not answer the enrolment in time.`);
      throw refusalFor(error, host);
    } finally {
      agent?.destroy();
    }
  };
}

interface Refused {
  readonly error: string;
  readonly retry: number | undefined;
  readonly host: string;
  readonly body: EnrolRequest;
  readonly from: TokenFrom;
}

function refused(status: number, { error, retry, host, body, from }: Refused): Refusal {
  if (!Object.hasOwn(ENROL_ERRORS, error)) {
    const word = status >= 200 && status < 400 ? "captive_proxy" : "unexpected_status";
    return new Refusal(word, `${host} answered ${status} to the enrolment.`, { retryAfterMs: retry });
  }
  const known = error as EnrolError;
  const says = `The control plane at ${host} ${enrolWords(known, body.token, from)}.`;
  const after = afterRefusal(known, from);
  return new Refusal(wordOf(known), says, { after, retryAfterMs: retry });
}

/** A revocation that the session told is not the same news as one that keeps a ServiceAccount from coming back. */
function wordOf(error: EnrolError): RefusalWord {
  if (error === "revoked") return "account_revoked";
  return error === "invalid" ? "enrolment_refused" : error;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

async function post(
  url: URL,
  wish: { agent: Awaited<ReturnType<typeof agentFor>>; signal: AbortSignal; text: string },
): Promise<Answer> {
  const request = url.protocol === "https:" ? tlsRequest : plainRequest;
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(wish.text) };
  const agent = wish.agent === undefined ? {} : { agent: wish.agent };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(url, { method: "POST", headers, signal: wish.signal, ...agent });
    sent.on("response", resolve);
    sent.on("error", reject);
    sent.end(wish.text);
  });
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MOST_BYTES) break;
  }
  const text = Buffer.concat(chunks).toString("utf8");
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}
