import type http from "node:http";
import { createAuthority } from "../../../src/demo/certificates.ts";
import { httpsServer, type Target, type TlsSettings } from "../../fake/targets.ts";

/** What the fake says to one request. `reason` makes a Status of it, as a real API server does. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly reason?: string;
  readonly body?: unknown;
}

export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** Answers by the path; undefined: never. A handler that writes itself returns nothing. */
export type Handler = (
  asked: Asked,
  response: http.ServerResponse,
) => Reply | undefined | Promise<Reply | undefined>;

export interface FakeApi extends Target {
  readonly url: string;
  readonly ca: string;
  /** Oldest first. */
  readonly asked: readonly Asked[];
}

/** For what no real API server can be made to do: HTTPS with a certificate of its own authority. */
export async function fakeApi(
  handler: Handler,
  tls: Partial<TlsSettings> & { readonly notAfter?: Date } = {},
): Promise<FakeApi> {
  const authority = await createAuthority("Mooring, tests");
  const { notAfter, ...settings } = tls;
  const names = ["127.0.0.1", "kubernetes.default.svc"];
  const { certPem, keyPem } = await authority.issue({ names, ...(notAfter && { notAfter }) });
  const asked: Asked[] = [];
  const target = await httpsServer({ key: keyPem, cert: certPem, ...settings }, (request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { method = "", url = "", headers } = request;
      const one = { method, path: url, headers, body: Buffer.concat(chunks).toString() };
      asked.push(one);
      const reply = await handler(one, response);
      if (reply !== undefined) send(response, reply);
    })();
  });
  return { ...target, url: `https://${target.host}:${target.port}`, ca: authority.certPem, asked };
}

function send(response: http.ServerResponse, { status = 200, headers = {}, reason, body }: Reply): void {
  const object =
    reason === undefined
      ? body
      : {
          kind: "Status",
          apiVersion: "v1",
          status: "Failure",
          message: "prose of the server",
          reason,
          code: status,
        };
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof object === "string" ? object : JSON.stringify(object));
}

/** A Secret as the API server gives it. */
export function secretReply(data: Readonly<Record<string, string>>): Reply {
  const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]);
  const metadata = {
    name: "orders-db",
    namespace: "data",
    uid: "u",
    resourceVersion: "7",
    creationTimestamp: "2026-01-02T03:04:05Z",
  };
  return {
    body: { apiVersion: "v1", kind: "Secret", metadata, data: Object.fromEntries(encoded) as unknown },
  };
}
