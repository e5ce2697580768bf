/** Something that a key press breaks and heals. */
export interface Toggle {
  readonly key: string;
  /** What a press would do next. */
  says(): string;
  /** Breaks or heals it; what was done. */
  flip(): Promise<string>;
}

/** A toggle of two states, told by their verbs. */
export function toggle(
  key: string,
  words: { readonly breaks: string; readonly broke: string; readonly heals: string; readonly healed: string },
  work: { readonly breaks: () => unknown; readonly heals: () => unknown },
): Toggle {
  let broken = false;
  return {
    key,
    says: () => (broken ? words.heals : words.breaks),
    async flip() {
      await (broken ? work.heals() : work.breaks());
      broken = !broken;
      return broken ? words.broke : words.healed;
    },
  };
}
