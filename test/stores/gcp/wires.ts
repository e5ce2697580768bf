import type http from "node:http";
import { Metadata, Server, ServerCredentials } from "@grpc/grpc-js";
import { CODES, jsonOf, restBody, secretManagerType, statusBytes } from "./protos.ts";
import type { FakeSecretManager, Method } from "./fake-secret-manager.ts";

const ANSWERS: Readonly<Record<Method, string>> = {
  GetSecret: "Secret",
  GetSecretVersion: "SecretVersion",
  AccessSecretVersion: "AccessSecretVersionResponse",
  ListSecrets: "ListSecretsResponse",
};

function methodOf(path: string): readonly [Method, string] | undefined {
  const [, name = "", verb] = /^\/v1\/([^:]+)(:access)?$/.exec(path) ?? [];
  if (verb !== undefined) return ["AccessSecretVersion", name];
  if (/\/versions\/[^/]+$/.test(name)) return ["GetSecretVersion", name];
  if (/\/secrets\/[^/]+$/.test(name)) return ["GetSecret", name];
  if (name.endsWith("/secrets")) return ["ListSecrets", name.slice(0, -"/secrets".length)];
  return undefined;
}

/** Secret Manager's REST API, by the http options of its service.proto. */
export function rest(manager: FakeSecretManager): http.RequestListener {
  return (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://fake");
    const asked = methodOf(pathname);
    if (asked === undefined)
      return void response.writeHead(404, { "content-type": "text/html" }).end("<html>");
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    const outcome = manager.handle(...asked, token);
    const [status, body] =
      "value" in outcome
        ? [200, jsonOf(secretManagerType(ANSWERS[asked[0]]), outcome.value)]
        : [CODES[outcome.refusal.code][1], restBody(outcome.refusal)];
    response
      .writeHead(status, { "content-type": "application/json; charset=UTF-8" })
      .end(JSON.stringify(body));
  };
}

type Call = { request: { name?: string; parent?: string }; metadata: Metadata };
type Done = (error: object | null, value?: Record<string, unknown>) => void;

/** The same over gRPC. Disposing ends it. */
export async function grpc(manager: FakeSecretManager): Promise<AsyncDisposable & { readonly port: number }> {
  const server = new Server();
  const methods = Object.keys(ANSWERS) as Method[];
  const definition = Object.fromEntries(methods.map((method) => [method, unary(method)]));
  const handlers = methods.map((method) => [
    method,
    ({ request, metadata }: Call, done: Done) => {
      const token = /^Bearer (.+)$/.exec(String(metadata.get("authorization")[0]))?.[1];
      const outcome = manager.handle(method, request.name ?? request.parent ?? "", token);
      if ("value" in outcome) return done(null, outcome.value);
      const trailer = new Metadata();
      trailer.set("grpc-status-details-bin", statusBytes(outcome.refusal));
      const { code, message } = outcome.refusal;
      done({ code: CODES[code][0], details: message, metadata: trailer });
    },
  ]);
  server.addService(definition, Object.fromEntries(handlers));
  const port = await new Promise<number>((resolve, reject) => {
    const bound = (error: Error | null, port: number): void =>
      error === null ? resolve(port) : reject(error);
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), bound);
  });
  return {
    port,
    [Symbol.asyncDispose]: () => {
      server.forceShutdown();
      return Promise.resolve();
    },
  };
}

function unary(method: Method) {
  const request = secretManagerType(`${method}Request`);
  const answer = secretManagerType(ANSWERS[method]);
  return {
    path: `/google.cloud.secretmanager.v1.SecretManagerService/${method}`,
    requestStream: false,
    responseStream: false,
    requestSerialize: (value: object) => Buffer.from(request.encode(request.fromObject(value)).finish()),
    requestDeserialize: (bytes: Buffer) => request.toObject(request.decode(bytes)),
    responseSerialize: (value: object) => Buffer.from(answer.encode(answer.fromObject(value)).finish()),
    responseDeserialize: (bytes: Buffer) => answer.toObject(answer.decode(bytes)),
  };
}
