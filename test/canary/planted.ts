import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { promisify } from "node:util";
import { WebSocket, WebSocketServer } from "ws";
import { Browser } from "../e2e/browser.ts";
import { httpServer } from "../fake/targets.ts";
import {
  answerOf,
  answersOf,
  type Chunks,
  domOf,
  eventsFrom,
  filesOf,
  printedBy,
  processesOf,
  storeOf,
  unknownErrorsOf,
} from "./channels.ts";
import { crashable } from "./crash.ts";
import { Recorder } from "./recorder.ts";
import { eventually, folder } from "../process/programs.ts";

const run = promisify(execFile);

/** Puts a text into something like a channel, and reads that as the channel is read. */
export type Plant = (text: string) => Promise<Chunks>;

const printed: Plant = async (text) => {
  const script = "process.stdout.write(process.argv[1]); process.stderr.write('and no more')";
  return printedBy(await run(process.execPath, ["-e", script, "--", text]));
};

const served: Plant = async (text) => {
  await using server = await httpServer((_request, response) => response.end(text));
  return await answerOf(`http://127.0.0.1:${server.port}/metrics`);
};

/** In the header of an answer too, where that may hold it. */
const answered: Plant = async (text) => {
  await using server = await httpServer((request, response) => {
    const document = { paths: { "/api/v1/things/{name}": { get: {} } } };
    response.end(request.url?.endsWith("/openapi.json") === true ? JSON.stringify(document) : text);
  });
  return await answersOf(`http://127.0.0.1:${server.port}`, "none", () => ({ name: ["one"] }));
};

/** One chunk ends in the middle of the text. */
const streamed: Plant = async (text) => {
  await using server = await httpServer((_request, response) => {
    response.writeHead(200, { connection: "close" }).write(`data: ${text.slice(0, text.length / 2)}`);
    setTimeout(() => response.end(text.slice(text.length / 2)), 50);
  });
  const stop = await eventsFrom(`http://127.0.0.1:${server.port}`, "none");
  await server.idle();
  return stop();
};

/** The client says it, masked; or the server, in two fragments and in the end's reason. */
const framed =
  (direction: "up" | "down"): Plant =>
  async (text) => {
    await using recorder = await Recorder.start();
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    server.on("connection", (socket) => {
      const half = text.length / 2;
      if (direction === "up") return void socket.on("message", () => socket.close());
      socket.send(text.slice(0, half), { fin: false });
      socket.send(text.slice(half), { fin: true });
      socket.close(1000, "over");
    });
    await once(server, "listening");
    recorder.to = (server.address() as AddressInfo).port;
    const client = new WebSocket(recorder.url.replace("http", "ws"), { perMessageDeflate: false });
    if (direction === "up") client.on("open", () => client.send(text));
    await once(client, "close");
    server.close();
    return recorder.frames();
  };

const shown: Plant = async (text) => {
  await using browser = await Browser.open();
  await using server = await httpServer((_request, response) =>
    response.end("<!doctype html><title>stand-in</title>"),
  );
  const origin = `http://127.0.0.1:${server.port}`;
  const { page } = await browser.page(origin);
  await page.goto(origin);
  await page.evaluate(`document.body.innerHTML = "<input type=hidden>"`);
  await page.locator("input").evaluate((field, value) => field.setAttribute("value", value), text);
  return await domOf(page);
};

/** The text is committed, and in the WAL alone. */
const stored: Plant = async (text) => {
  await using dir = await folder();
  using database = new DatabaseSync(join(dir.path, "mooring.db"));
  database.exec("pragma journal_mode = wal; create table t (body text)");
  database.prepare("insert into t values (?)").run(`${"x".repeat(4_000)}${text}`);
  return await storeOf(dir.path, "mooring.db");
};

const filed: Plant = async (text) => {
  await using dir = await folder();
  await mkdir(join(dir.path, "deep"));
  await writeFile(join(dir.path, "deep", "draft"), text);
  await writeFile(join(dir.path, "key.json"), "not looked at");
  return await filesOf(dir.path, ["key.json"]);
};

/** A grandchild has it in its arguments or in its environment. */
const inProcess =
  (where: "arguments" | "environment"): Plant =>
  async (text) => {
    const script =
      "require('node:child_process').spawn(process.execPath, JSON.parse(process.env.LINE), {env: JSON.parse(process.env.ENVIRONMENT), stdio: 'inherit'})";
    const wait = ["-e", "process.stdout.write('here'); setTimeout(() => {}, 30_000)"];
    const env = {
      LINE: JSON.stringify(where === "arguments" ? [...wait, "--", text] : wait),
      ENVIRONMENT: JSON.stringify(where === "environment" ? { PLANTED: text } : {}),
    };
    const parent = spawn(process.execPath, ["-e", script], {
      env,
      stdio: ["ignore", "pipe", "inherit"],
      detached: true,
    });
    await once(parent.stdout, "data");
    try {
      return await processesOf([parent.pid ?? 0]);
    } finally {
      process.kill(-(parent.pid ?? 0), "SIGKILL");
    }
  };

/** A program that has it in an argument dies with a report. */
const reported: Plant = async (text) => {
  await using dir = await folder();
  const { environment, reports } = await crashable(dir.path);
  const script = "setTimeout(() => process.kill(process.pid, 'SIGUSR2')); setInterval(() => {}, 9e3)";
  await run(process.execPath, ["-e", script, "--", text], { env: environment }).catch(() => {});
  await eventually("a report", async () => (await filesOf(reports)).length > 1 || undefined);
  return await filesOf(reports);
};

const unknown: Plant = (text) => {
  const error = { message: "failed", cause: { message: text } };
  return Promise.resolve(unknownErrorsOf([{ level: "warn", message: "unknown", error }]));
};

/** For each channel, how a leak is planted into something like it. */
export const PLANTS: Readonly<Record<string, readonly Plant[]>> = {
  "output of the connector": [printed],
  "output of the control plane": [printed],
  "errors without a reason": [unknown],
  "commands of a user": [printed],
  mistakes: [printed],
  "metrics of the connector": [served],
  "metrics of the control plane": [served],
  "frames in both directions": [framed("up"), framed("down")],
  "answers of the API": [answered],
  "server-sent events": [streamed],
  "DOM of the page": [shown],
  "bytes of the store": [stored],
  "files in --data": [filed],
  "files in --state": [filed],
  processes: [inProcess("arguments"), inProcess("environment")],
  "crash reports": [reported],
};
