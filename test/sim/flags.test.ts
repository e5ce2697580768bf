import { expect, test } from "vitest";
import { type Flags, helpOf, parsed, type Usage, WrongUse } from "../../scripts/flags.ts";

const usage = {
  command: "shake",
  does: "shakes it",
  flags: {
    kills: { type: "number", says: "kills", least: 1, most: 100, default: 50 },
    minutes: { type: "number", says: "minutes", least: 0.5, most: 60, isFraction: true },
    only: { type: "text", says: "these", takes: "none or N,N", fits: /^(none|\d+(,\d+)*)$/ },
    trace: { type: "switch", says: "tells all" },
  },
  names: { what: "bench", known: ["one", "two"] },
} as const satisfies Usage<Flags>;

const wrong: readonly (readonly [args: string, says: string])[] = [
  ["--kills x", "--kills takes a whole number from 1 to 100, not x"],
  ["--kills 0", "--kills takes a whole number from 1 to 100, not 0"],
  ["--kills=-1", "--kills takes a whole number from 1 to 100, not -1"],
  ["--kills -1", "--kills takes a whole number from 1 to 100, not -1"],
  ["--kills 1.5", "--kills takes a whole number from 1 to 100, not 1.5"],
  ["--kills 1e1", "--kills takes a whole number from 1 to 100, not 1e1"],
  ["--kills", "--kills takes a whole number from 1 to 100, and nothing is given"],
  ["--kills --trace", "--kills takes a whole number from 1 to 100, not --trace"],
  ["--kills 1 --kills 2", "--kills is given twice"],
  ["--minutes 0.1", "--minutes takes a number from 0.5 to 60, not 0.1"],
  ["--only foo", "--only takes none or N,N, not foo"],
  ["--trace=yes", "--trace takes no value, not yes"],
  ["--kill 3", "there is no flag --kill; there are --kills, --minutes, --only, --trace, --help"],
  ["-k 3", "there is no flag -k; there are --kills, --minutes, --only, --trace, --help"],
  [
    "--constructor 3",
    "there is no flag --constructor; there are --kills, --minutes, --only, --trace, --help",
  ],
  ["three", "there is no bench three; there are one, two"],
];

test.each(wrong)("%s is refused in one line", (args, says) => {
  expect(() => parsed(usage, args.split(" "))).toThrow(new WrongUse(says));
});

test("a command without names takes none", () => {
  const { names: _, ...without } = usage;
  expect(() => parsed(without, ["one"])).toThrow(new WrongUse("it takes flags only, not one"));
});

test("what fits is given, and a default for what is not", () => {
  expect(parsed(usage, ["--minutes", "0.5", "two", "--trace"])).toEqual({
    values: { kills: 50, minutes: 0.5, only: undefined, trace: true },
    names: ["two"],
  });
});

test("help names each flag with what it takes", () => {
  expect(helpOf(usage)).toBe(
    [
      "npm run shake -- [FLAGS] [BENCH …]: shakes it",
      "  --kills N    kills: a whole number from 1 to 100; 50 where it is not given",
      "  --minutes N  minutes: a number from 0.5 to 60",
      "  --only ONLY  these: none or N,N",
      "  --trace      tells all",
      "bench: one, two",
    ].join("\n"),
  );
});
