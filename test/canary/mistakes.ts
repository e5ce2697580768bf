import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ran } from "../process/programs.ts";
import { type Chunks, printedBy } from "./channels.ts";

/** Files of the configuration in which somebody wrote a value where none belongs. */
function wrongFiles(value: string): readonly string[] {
  const http = { name: "a", type: "http" };
  const url = "http://127.0.0.1:1/";
  const items = [
    { ...http, config: { url, headers: { Authorization: `Bearer ${value}`, "X-Key": `${value}\n` } } },
    { ...http, config: { url: `http://u:${encodeURIComponent(value)}@127.0.0.1/` } },
    { ...http, config: { url }, secret: { store: "file", path: "./x", password: value } },
    { ...http, config: { url, password: value } },
    { ...http, config: { url }, secret: value },
    { ...http, config: value },
    { ...http, config: { url }, interval: value, timeout: value, failureThreshold: value, suspend: value },
    { name: "a", type: "tcp", config: { host: "h", port: value } },
    { ...http, config: { url }, secret: { store: "env", variable: value } },
    { ...http, config: { url, expect: { status: [value] }, method: value } },
  ];
  const auth = { method: "token", token: value };
  const secretStores = [{ name: "v", type: "vault", config: { address: "https://v", auth } }];
  const quoted = JSON.stringify(value);
  return [
    JSON.stringify({ secretStores, integrations: items }, null, 1),
    // YAML that ends too early, with a text that does not end, and no YAML at all.
    `integrations:\n  - name: a\n    password: ${quoted}\n    config: {url: ${quoted}\n  ]`,
    `integrations:\n  - name: "a\n    password: ${quoted} ${quoted}: [\n`,
    `${value}\n`,
  ];
}

/** What the programs print where values stand in the wrong place: in the configuration, in files with tokens. */
export async function mistakesOf(dir: string, value: string): Promise<Chunks> {
  await mkdir(dir, { recursive: true });
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(dir, name), text);
    return join(dir, name);
  };
  const wrong = await Promise.all(wrongFiles(value).map((text, index) => file(`wrong-${index}.yaml`, text)));
  const state = join(dir, "state");
  await mkdir(state);
  await writeFile(join(state, "key.json"), `{"d": ${value}`);
  const token = await file("join-token", `${value}\n${value}`);
  const plane = ["--control-plane", "http://127.0.0.1:1", "--state"];
  const lines: (readonly string[])[] = [
    ...wrong.map((path) => ["check", path]),
    ["connector", "--listen", "127.0.0.1:0", ...plane, state],
    ["doctor", ...plane, join(dir, "new"), "--join-token-file", token],
    ["status", "--control-plane", "http://127.0.0.1:1", "--token-file", token],
  ];
  const printed = lines.map(async (line): Promise<Chunks> => {
    const result = await ran(line);
    if (result.code === 0) throw new Error(`mooring ${line.join(" ")} finds nothing wrong`);
    return [`mooring ${line.join(" ")}\n`, ...printedBy(result)];
  });
  return (await Promise.all(printed)).flat();
}
