/** The log, as pino has it: facts first, then words. No secret, token or key is ever among the facts. */
export interface Log {
  info(facts: object, words: string): void;
  warn(facts: object, words: string): void;
  error(facts: object, words: string): void;
}

export const silentLog: Log = { info: () => {}, warn: () => {}, error: () => {} };
