import { pino } from "pino";
import type { Scrubber } from "./scrub.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";
export type LogFields = Readonly<Record<string, unknown>>;

/** One JSON line for each event: a message that is readable alone, and its facts beside it. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export interface LogSettings {
  readonly level: LogLevel;
  readonly version: string;
  readonly scrubber: Scrubber;
  /** Takes one line, its newline included. Default: standard output. */
  readonly write?: ((line: string) => void) | undefined;
}

/** What may be told of an error: its name, code, message and stack, and those of what caused it. */
export function errorFields(error: unknown, depth = 3): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = "code" in error && typeof error.code === "string" ? { code: error.code } : {};
  const cause =
    error.cause === undefined || depth === 0 ? {} : { cause: errorFields(error.cause, depth - 1) };
  return { name: error.name, ...code, message: error.message, stack: error.stack, ...cause };
}

/** JSON lines by pino. Each is taken apart and scrubbed before it leaves, so that no value gets past. */
export function createLog({ level, version, scrubber, write }: LogSettings): Log {
  const out = write ?? ((line: string): void => void process.stdout.write(line));
  const logger = pino(
    {
      level,
      messageKey: "message",
      base: { service: "mooring-connector", version },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: (line: string) => out(`${JSON.stringify(scrubber.json(JSON.parse(line)))}\n`) },
  );
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void =>
      logger[level](fields, "%s", message);
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}
