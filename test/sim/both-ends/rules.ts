/** What must hold, after every event and at the end. A run that breaks one names it. */
export const RULES = {
  "stored-as-sent":
    "What is stored is what was sent: every event once, in order, nothing between left out, its effect in the commit of its mark, and a snapshot whole or not at all.",
  "acked-is-committed": "Nothing is acked before it is committed.",
  "sequence-kept": "A sequence stands for one event of its stream, however often that is sent.",
  "all-counted":
    "Every change that a connector told is acked, or waits, or was merged into a later one or given up, and that is counted.",
  converges:
    "After the trouble every connector is connected, all that it told is stored, and what is stored is how its targets are.",
  "no-early-verdict":
    "Nobody is called unreachable sooner than the profile's silence, the grace of a start, the hold of the mass guard and a goodbye allow.",
  "no-late-verdict":
    "Whoever is silent for the profile's time is called unreachable within a second, and that is stored.",
  "no-false-alarm":
    "Who was well for 110 seconds, a single socket that went half-open not counted, is not called unreachable.",
  "executed-once": "One process of a connector does a command at most once.",
  "ended-once":
    "A command ends once, is not sent after that, and waits for those before it with the same key.",
  "no-spin": "Between two attempts of a connector to connect there is a quarter of a second at least.",
  bounded: "An outbox holds what it may, and one snapshot.",
  "one-session": "A connector has one session that is ready.",
  "no-complaint":
    "Neither end finds fault with the other's frames or rate, and nothing fails but what the disk refused.",
  "no-crash": "No process throws what nobody catches.",
} as const;
export type Rule = keyof typeof RULES;

/** A rule broke. `at` is milliseconds of the simulation. */
export class Broken extends Error {
  readonly rule: Rule;
  readonly at: number;

  constructor(rule: Rule, at: number, says: string) {
    super(says);
    this.rule = rule;
    this.at = at;
  }
}
