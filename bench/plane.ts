import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Api, joinToken } from "./join-token.ts";
import { answered, freePort, mooring, type Running } from "./processes.ts";

export interface Plane extends Running, Api {}

/** A control plane, and the file with the join token of the one connector that it has. */
export async function controlPlane(folder: string): Promise<Plane> {
  const listen = `127.0.0.1:${await freePort()}`;
  const [origin, data] = [`http://${listen}`, join(folder, "data")];
  const plane = mooring(["control-plane", "--listen", listen, "--data", data, "--liveness", "fast"]);
  await answered(`${origin}/readyz`);
  const token = (await readFile(join(data, "operator-token"), "utf8")).trim();
  await writeFile(join(folder, "join"), await joinToken({ origin, token }, "bench"));
  return { ...plane, origin, token };
}
