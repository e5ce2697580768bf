import { type IncomingMessage, request as plainRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { ENROL_ERRORS, ENROLL_PATH, type EnrolError } from "../protocol/enrolment.ts";
import type { Enrol } from "./identity.ts";
import { Refusal } from "./refusal.ts";
import { agentFor, type TransportSettings } from "./transport.ts";
import { errorWordOf, refusalFor, retryAfterMs } from "./upgrade-refusal.ts";

const MOST_BYTES = 256 * 1024;

const SAYS: Readonly<Record<EnrolError, string>> = {
  invalid: "does not take the enrolment for one",
  token_unknown: "does not know the join token: make a new one with mooring token create",
  token_expired: "says that the join token has expired: make a new one with mooring token create",
  token_used: "says that the join token was used with another key: make a new one with mooring token create",
  bad_proof: "does not accept the proof that the key is this connector's",
  bad_audience: "is known by another address than the one that the connector was given",
  rate_limited: "asks to be tried later",
};

/** Posts an enrolment to the control plane, by the same trust and proxy as the session. */
export function httpEnrol(settings: TransportSettings): Enrol {
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
      throw refused(status, { error: errorWordOf(text) ?? "", retry: retryAfterMs(headers), host });
    } catch (error) {
      if (signal.aborted && !(error instanceof Refusal))
        throw new Refusal("timeout", `The control plane at ${host} did not answer the enrolment in time.`);
      throw refusalFor(error, host);
    } finally {
      agent?.destroy();
    }
  };
}

function refused(
  status: number,
  { error, retry, host }: { error: string; retry: number | undefined; host: string },
): Refusal {
  if (!Object.hasOwn(ENROL_ERRORS, error)) {
    const word = status >= 200 && status < 400 ? "captive_proxy" : "unexpected_status";
    return new Refusal(word, `${host} answered ${status} to the enrolment.`, { retryAfterMs: retry });
  }
  const known = error as EnrolError;
  const says = `The control plane at ${host} ${SAYS[known]}.`;
  if (known === "rate_limited") return new Refusal(known, says, { retryAfterMs: retry });
  return new Refusal(known === "invalid" ? "enrolment_refused" : known, says, { after: "stop" });
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
