import { rmSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** A folder of the demo's own for its configuration and its secrets, gone when it is disposed or the process exits. */
export class Secrets implements AsyncDisposable {
  readonly directory: string;
  readonly #remove = (): void => rmSync(this.directory, { recursive: true, force: true });

  constructor(directory: string) {
    this.directory = directory;
    process.once("exit", this.#remove);
  }

  static async create(): Promise<Secrets> {
    return new Secrets(await mkdtemp(join(tmpdir(), "mooring-demo-")));
  }

  /** Writes a file beside the configuration; its relative path. */
  async writeText(name: string, text: string): Promise<string> {
    await writeFile(join(this.directory, name), text, { mode: 0o600 });
    return `./${name}`;
  }

  /** Writes a secret as JSON; how an integration names it. */
  async write(
    name: string,
    fields: Readonly<Record<string, string>>,
  ): Promise<{ store: string; path: string }> {
    return { store: "file", path: await this.writeText(name, JSON.stringify(fields)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
    process.removeListener("exit", this.#remove);
  }
}
