import type { z } from "zod";

/** Where a connector keeps what must outlive its process: its key and its enrolment, each under a name. */
export interface StateStore {
  /** Undefined where there is none. Rejects with a Refusal where it cannot be read, or is not what we wrote. */
  read<T>(name: string, schema: z.ZodType<T>): Promise<T | undefined>;
  /** Resolves once it will outlive the process. Rejects with a Refusal. */
  write(name: string, value: unknown): Promise<void>;
  /** The same, but what is there already stays: of two that begin at once one is first. */
  writeNew(name: string, value: unknown): Promise<void>;
}
