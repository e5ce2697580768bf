import { Agent } from "node:https";
import { type ClientOptions, WebSocket } from "ws";
import { CONNECT_PATH } from "../protocol/enrolment.ts";
import { SUBPROTOCOL } from "../protocol/envelope.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { Trust } from "./dial/trust.ts";
import type { ControlPlaneAddress } from "./control-plane-address.ts";
import { Refusal } from "./refusal.ts";
import type { Line } from "./session.ts";
import type { Credential, Dial, LineEvents } from "./sessions.ts";
import { refusalFor, refusalOf } from "./upgrade-refusal.ts";

export interface TransportSettings {
  readonly address: ControlPlaneAddress;
  readonly trust: Trust;
  readonly caFile?: string | undefined;
  /** The proxy variables, as `process.env` has them. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** An agent for requests to the control plane: our trust, and the proxy that the environment names. */
export async function agentFor({
  address,
  trust,
  caFile,
  environment,
}: TransportSettings): Promise<Agent | undefined> {
  if (!address.isSecure) return undefined;
  const secureContext = await trust(caFile);
  return new Agent({ proxyEnv: { ...environment }, secureContext, keepAlive: false });
}

/** Opens sockets to the control plane: one subprotocol, no extensions, no redirects, frames up to 256 KiB. */
export function webSocketDial(settings: TransportSettings): Dial {
  const { origin, host } = settings.address;
  const url = `${origin.replace(/^http/, "ws")}${CONNECT_PATH}`;
  return async (credential, events, signal) => {
    const agent = await agentFor(settings).catch((error: unknown) => {
      throw new Refusal("certificate_untrusted", `The CA file ${settings.caFile} cannot be used.`, {
        cause: error,
      });
    });
    signal.throwIfAborted();
    try {
      await open({ url, host, agent, credential, events, signal });
    } finally {
      // The socket that was upgraded is no longer the agent's.
      agent?.destroy();
    }
  };
}

interface Upgrade {
  readonly url: string;
  readonly host: string;
  readonly agent: Agent | undefined;
  readonly credential: Credential;
  readonly events: LineEvents;
  readonly signal: AbortSignal;
}

function upgrade({ url, agent, credential }: Upgrade): WebSocket {
  const options: ClientOptions & { readonly closeTimeout: number } = {
    headers: { authorization: `Bearer ${credential.token}` },
    perMessageDeflate: false,
    maxPayload: LIMITS.frameBytes,
    followRedirects: false,
    closeTimeout: 5_000,
    ...(agent === undefined ? {} : { agent }),
  };
  return new WebSocket(url, [SUBPROTOCOL], options);
}

function open(wish: Upgrade): Promise<void> {
  const { host, events, signal } = wish;
  const socket = upgrade(wish);
  return new Promise((resolve, reject) => {
    let isOpen = false;
    const giveUp = (): void => {
      reject(new Refusal("timeout", `The control plane at ${host} did not answer the upgrade in time.`));
      socket.terminate();
    };
    signal.addEventListener("abort", giveUp, { once: true });
    socket.on("unexpected-response", (request, response) => {
      void refusalOf(request, response, host).then(reject);
    });
    socket.on("error", (error) => reject(refusalFor(error, host)));
    socket.on("open", () => {
      signal.removeEventListener("abort", giveUp);
      isOpen = true;
      events.open(lineOf(socket));
      resolve();
    });
    socket.on("close", (code) => {
      signal.removeEventListener("abort", giveUp);
      if (isOpen) events.closed(code);
      else reject(new Refusal("connection_reset", `${host} ended the connection during the upgrade.`));
    });
    hear(socket, events);
  });
}

function hear(socket: WebSocket, { frame }: LineEvents): void {
  socket.on("message", (data, isBinary) => {
    // Whole messages come as one Buffer: binaryType is nodebuffer.
    if (isBinary || !Buffer.isBuffer(data)) socket.close(1003, "text frames only");
    else frame(data.toString("utf8"));
  });
}

function lineOf(socket: WebSocket): Line {
  return {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: (code, reason) => {
      socket.close(code, reason);
    },
    terminate: () => {
      socket.terminate();
    },
    get buffered() {
      return socket.bufferedAmount;
    },
  };
}
