import dgram from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import { type Query, writeTruncated } from "./dns-message.ts";
import { listening, type Target } from "./target.ts";

/** Sends an answer's bytes back to whoever asked. */
export type Send = (query: Query, answer: Buffer) => void;

/** Takes one query message, and sends one answer, now or later, or none. */
export type Answer = (message: Buffer, send: Send) => void;

const HOST = "127.0.0.1";
const TRIES = 20;

/** Binds TCP on a free port and UDP on the same, and tries other ports while that one is taken for UDP. */
export async function bindBoth(answer: Answer): Promise<{ udp: dgram.Socket; tcp: Target }> {
  for (let attempt = 1; ; attempt += 1) {
    const tcp = await listening(net.createServer((socket) => serveTcp(socket, answer)));
    const udp = dgram.createSocket("udp4");
    udp.on("message", (message, from) => {
      answer(message, (query, bytes) => {
        udp.send(bytes.length > query.mostBytes ? writeTruncated(query) : bytes, from.port, from.address);
      });
    });
    try {
      await bind(udp, tcp.port);
      return { udp, tcp };
    } catch (error) {
      await tcp[Symbol.asyncDispose]();
      if (attempt === TRIES) throw error;
    }
  }
}

/** Over TCP each message has its length in two bytes before it. */
function serveTcp(socket: net.Socket, answer: Answer): void {
  let unread = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    unread = Buffer.concat([unread, bytes]);
    while (unread.length >= 2 && unread.length >= 2 + unread.readUInt16BE(0)) {
      const end = 2 + unread.readUInt16BE(0);
      answer(unread.subarray(2, end), (_query, message) => {
        const length = Buffer.alloc(2);
        length.writeUInt16BE(message.length);
        if (socket.writable) socket.write(Buffer.concat([length, message]));
      });
      unread = unread.subarray(end);
    }
  });
}

/** Binds a UDP socket to a port of the loopback address; 0 takes a free one. */
export async function bind(udp: dgram.Socket, port: number): Promise<void> {
  const bound = once(udp, "listening");
  udp.bind(port, HOST);
  await bound;
}

/** Closes a UDP socket and waits until it is closed. */
export async function close(udp: dgram.Socket): Promise<void> {
  const closed = once(udp, "close");
  udp.close();
  await closed;
}
