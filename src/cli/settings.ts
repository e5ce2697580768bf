import { readFile } from "node:fs/promises";
import process from "node:process";
import type { Kinds, Stores } from "../connector/config/context.ts";
import { loadConfiguration } from "../connector/config/config.ts";
import { judgeRemoteItem } from "../connector/config/remote.ts";
import { judgeIntegrationResource } from "../connector/config/resource.ts";
import { INTEGRATION_TYPES } from "../connector/integrations/index.ts";
import type { JudgeRemote, JudgeResource, Load } from "../connector/item.ts";
import { SECRET_STORES } from "../connector/secrets/index.ts";
import { type Given, UsageError } from "./command.ts";

/** What a configuration may name in this program. */
export const KINDS: Kinds = {
  types: INTEGRATION_TYPES,
  stores: SECRET_STORES,
  environment: process.env,
  opened: new Map(),
};

export const load: Load = (file) => loadConfiguration(file, KINDS);
export const judgeRemote: JudgeRemote = (item, { remote, stores }) =>
  judgeRemoteItem(item, remote, KINDS, stores as Stores | undefined);
export const judgeResource: JudgeResource = (resource, { crd, stores }) =>
  judgeIntegrationResource(resource, crd, KINDS, stores as Stores | undefined);

/** Hangs up on every store that was asked. */
export async function closeStores(): Promise<void> {
  for (const store of KINDS.opened.values()) await store.close?.();
}

export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:7480`, `[::1]:7480`; port 0 is any free one. Throws UsageError. */
export function listenOf(command: string, flag: string, given: Given, fallback?: Listen): Listen | undefined {
  const text = given.flag(flag);
  if (text === undefined) return fallback;
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || port === undefined || Number(port) > 65_535) {
    const example = fallback === undefined ? "127.0.0.1:7480" : `${fallback.host}:${fallback.port}`;
    throw new UsageError(`mooring ${command}: --${flag} ${text} is not HOST:PORT; write ${example}`);
  }
  return { host, port: Number(port) };
}

/** A number from a flag or its variable. Throws UsageError. */
export function numberOf(command: string, name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new UsageError(`mooring ${command}: ${name} ${text} is not a number above 0`);
}

/** The token in a file, trimmed; undefined where no file is named. Throws UsageError. */
export async function tokenIn(command: string, variable: string): Promise<string | undefined> {
  const file = process.env[variable];
  if (file === undefined || file === "") return undefined;
  const says = (text: string): UsageError =>
    new UsageError(`mooring ${command}: ${variable} ${file} ${text}`);
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw says(`cannot be read (${code}); name a file that this user can read`);
  });
  const token = text.trim();
  if (token.length < 16) throw says("holds no token of at least 16 characters; write one into it");
  return token;
}

/**
 * Resolves at the first SIGINT, SIGTERM or SIGHUP; the second one ends the process at once, because whoever sends
 * two does not want to wait.
 */
export function firstSignal(): Promise<NodeJS.Signals> {
  const signals = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
  return new Promise((resolve) => {
    let seen = false;
    for (const [signal, code] of Object.entries(signals)) {
      process.on(signal, () => {
        if (seen) process.exit(code);
        seen = true;
        resolve(signal as NodeJS.Signals);
      });
    }
  });
}
