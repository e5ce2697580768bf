// Loaded before a program (--import): writes down each address that it dials, and each file that it opens by the paths
// that Mooring takes, as lines of TEST_DOORS_FILE.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";
import process from "node:process";

const file = fs.openSync(process.env["TEST_DOORS_FILE"] ?? "", "a");
const note = (door: string, what: unknown): void => void fs.writeSync(file, `${door} ${String(what)}\n`);

type Connect = (this: net.Socket, ...args: unknown[]) => net.Socket;
const connect = Reflect.get(net.Socket.prototype, "connect") as Connect;
net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]) {
  const [first] = (Array.isArray(args[0]) ? args[0] : args) as {
    host?: string;
    port?: number;
    path?: string;
  }[];
  note("dial", `${first?.path ?? first?.host ?? "localhost"}:${first?.port ?? ""}`);
  return connect.apply(this, args);
};

const open = fs.promises.open;
fs.promises.open = (path, ...rest) => {
  note("open", path);
  return open(path, ...rest);
};
const readFile = fs.promises.readFile;
fs.promises.readFile = ((path: string, ...rest: []) => {
  note("open", path);
  return readFile(path, ...rest);
}) as typeof readFile;
syncBuiltinESMExports();
