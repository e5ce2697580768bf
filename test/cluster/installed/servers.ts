/** What the test itself listens on for the connectors in the cluster, where they reach it: `node.hostAddress`. */
import { once } from "node:events";
import { createServer as createHttp } from "node:http";
import { createServer, type Server } from "node:net";

/** A TCP port that can be closed, and opened again under the same number. Open at first. */
export interface Door {
  readonly port: number;
  open(): Promise<void>;
  close(): Promise<void>;
}

export async function door(host: string): Promise<Door> {
  const listen = async (port: number): Promise<Server> => {
    const server = createServer((socket) => socket.on("error", () => {}).end());
    server.listen(port, host);
    await once(server, "listening");
    return server;
  };
  let server: Server | undefined = await listen(0);
  const { port } = server.address() as { port: number };
  const close = async (): Promise<void> => {
    if (server === undefined) return;
    const closed = once(server, "close");
    server.close();
    server = undefined;
    await closed;
  };
  return {
    port,
    close,
    open: async () => void (server ??= await listen(port)),
  };
}

/** An HTTP server that takes one token at a time. */
export interface Guarded extends AsyncDisposable {
  readonly url: string;
  /** The token that is good from now on. */
  accept(token: string): void;
  /** How often it was asked with that token. */
  askedWith(token: string): number;
}

/** `first`: the token that is good at first. */
export async function guarded(host: string, first: string): Promise<Guarded> {
  let good = first;
  const asked: string[] = [];
  const server = createHttp((request, response) => {
    const given = request.headers.authorization ?? "";
    asked.push(given);
    response.writeHead(given === `Bearer ${good}` ? 200 : 401, { connection: "close" }).end();
  });
  server.listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  return {
    url: `http://${host}:${port}/`,
    accept: (token) => void (good = token),
    askedWith: (token) => asked.filter((given) => given === `Bearer ${token}`).length,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}
