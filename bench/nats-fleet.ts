// Clients of nats-server over WebSocket in one process: node bench/nats-fleet.ts COUNT URL BYTES
// Verbose, so that each PUB of so many bytes is answered by +OK, as a heartbeat is by its ack.
import { once } from "node:events";
import { WebSocket } from "ws";
import { BEAT_MS } from "./fleet-beat.ts";
import { answers } from "./processes.ts";

const [count = "", url = "", bytes = ""] = process.argv.slice(2);
const publish = Buffer.from(`PUB fleet.beat ${bytes}\r\n${"x".repeat(Number(bytes))}\r\n`);
const CONNECT = Buffer.from('CONNECT {"verbose":true,"pedantic":false,"lang":"bench","version":"1"}\r\n');
let answered = 0;

async function connect(): Promise<void> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  socket.on("message", (data: Buffer) => {
    const text = data.toString("latin1");
    if (text.includes("PING\r\n")) socket.send(Buffer.from("PONG\r\n"));
    answered += text.split("+OK\r\n").length - 1;
  });
  await once(socket, "open");
  socket.send(CONNECT);
  setTimeout(() => {
    socket.send(publish);
    setInterval(() => socket.send(publish), BEAT_MS);
  }, Math.random() * BEAT_MS);
}

async function connectAll(): Promise<void> {
  for (let done = 0; done < Number(count); done += 25) await Promise.all(Array.from({ length: 25 }, connect));
}

answers({ connect: connectAll, count: () => answered });
