import type { ReasonCode } from "../protocol/reasons.ts";
import type { Finding } from "../protocol/report.ts";
import type { Stage } from "../protocol/stages.ts";
import type { Evidence } from "../protocol/words.ts";
import type { Clock } from "./clock.ts";
import type { Network } from "./dial/network.ts";

/** The secret fields of one of several shapes: those of the shape that was found are there. */
export type Fields<Shapes extends readonly (readonly string[])[]> = Readonly<
  Partial<Record<Shapes[number][number], string>>
>;

/** One walk through the stages, handed to an integration type. */
export interface Run {
  /** Ends with the check's deadline. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly network: Network;
  /**
   * Runs one step: times it, ends it at the stage's deadline, and turns what it throws into a Failure.
   * The work is given a signal that aborts then, and how long it has, in milliseconds.
   */
  stage<T>(name: Stage, work: (signal: AbortSignal, limitMs: number) => Promise<T>): Promise<T>;
  /**
   * The stage secret: reads the integration's secret and gives the fields of the first shape that it has.
   * A missing field, an empty one and one that is not a string fail the stage.
   */
  secret<const Shapes extends readonly (readonly string[])[]>(...shapes: Shapes): Promise<Fields<Shapes>>;
  /** Whether the integration names a secret. */
  readonly hasSecret: boolean;
  /** Hands over what must not outlive the run: a socket. It is destroyed at the end, whatever happens. */
  own<T extends { destroy(): unknown }>(resource: T): T;
  /** Facts for the words of whatever may fail later. */
  know(evidence: Evidence): void;
  /** What was looked at beyond the stages. */
  find(...findings: readonly Finding[]): void;
  /** A gap that leaves the integration working. The first one names the warning. */
  warn(stage: Stage, reason: ReasonCode, evidence: Evidence): void;
  /** A run for a second look: same deadline and owner, but nothing of it is recorded or told. */
  aside(): Run;
  /**
   * A text of the server's, fit to be shown as a name: withheld where it, or what it was made from, holds a value
   * of the secret.
   */
  shown(text: string, source?: string): string;
}
