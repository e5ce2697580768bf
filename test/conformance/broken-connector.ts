// A connector with mistakes, for the proof that the cases find them: it does not notice silence, comes back after a
// fixed time whatever it is told, and logs its environment. node broken-connector.ts URL HOST:PORT
import { createServer } from "node:http";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { enrolWith, failingReport, FakeConnector } from "../fake/connector.ts";

const [url = "", listen = ""] = process.argv.slice(2);
const BEAT_MS = 140;
const AGAIN_MS = 40;

console.log("environment:", process.env["MOORING_SECRET_CANARY"]);
createServer((_request, response) => response.end("ok\n")).listen(Number(listen.split(":")[1]), "127.0.0.1");

const identity = await enrolWith(url, "any token");

async function session(): Promise<void> {
  await using connector = await FakeConnector.open(url, identity);
  await connector.greet();
  await connector.becomeReady();
  connector.tellAll([]);
  connector.tell(failingReport("a"));
  const beats = setInterval(() => connector.beat(), BEAT_MS);
  connector.socket.on("message", (data: Buffer) => answer(connector, data.toString()));
  await connector.closed();
  clearInterval(beats);
}

function answer(connector: FakeConnector, text: string): void {
  const { type, data } = JSON.parse(text) as { type: string; data: { commandId: string } };
  if (!type.includes("command.dispatch")) return;
  const nothing = { reason: null, message: null, report: null, refreshed: null };
  connector.sendNext("command.result", { commandId: data.commandId, outcome: "succeeded", ...nothing });
}

// A refused upgrade leaves a promise of the scripted end behind.
process.on("unhandledRejection", () => {});
for (;;) {
  await session().catch(() => {});
  await sleep(AGAIN_MS);
}
