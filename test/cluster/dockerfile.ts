/** Judges a Dockerfile by the rules of hadolint that concern us, named by its codes, and by what buildah 1.28 takes. */

interface Instruction {
  readonly word: string;
  readonly rest: string;
}

/** The instructions in their order, continued lines joined, comments left out. */
export function instructionsOf(text: string): Instruction[] {
  const lines = text.split("\n").filter((line) => !/^\s*#/.test(line));
  const whole = lines
    .join("\n")
    .replaceAll(/\\\n\s*/g, " ")
    .split("\n");
  return whole
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => {
      const [word = "", ...rest] = line.split(/\s+/);
      return { word: word.toUpperCase(), rest: rest.join(" ") };
    });
}

/** The problems, each beginning with its rule; empty for a good file. */
export function problemsOf(text: string): string[] {
  const instructions = instructionsOf(text);
  return [
    ...baseProblems(instructions),
    ...userProblems(instructions),
    ...instructions.flatMap(problemsOfOne),
  ];
}

/** Every base has a tag or a digest, also where an ARG names it by its default. */
function baseProblems(instructions: readonly Instruction[]): string[] {
  const defaults = new Map(
    instructions
      .filter(({ word }) => word === "ARG")
      .map(({ rest }) => [rest.split("=")[0] ?? "", rest.slice(rest.indexOf("=") + 1)]),
  );
  const stages = new Set<string>();
  return instructions
    .filter(({ word }) => word === "FROM")
    .flatMap(({ rest }) => {
      const [named = "", , stage] = rest.replace(/^--platform=\S+ /, "").split(" ");
      const image = named.replace(/^\$\{?(\w+)\}?$/, (_, name: string) => defaults.get(name) ?? "");
      const known = stages.has(image);
      if (stage !== undefined) stages.add(stage);
      if (known || image === "scratch" || image.includes("@sha256:")) return [];
      const tag = /:([\w.-]+)$/.exec(image)?.[1];
      if (tag === undefined) return [`DL3006: ${image} has no tag`];
      return tag === "latest" ? [`DL3007: ${image}`] : [];
    });
}

function userProblems(instructions: readonly Instruction[]): string[] {
  const user = instructions.findLast(({ word }) => word === "USER")?.rest;
  if (user === undefined || /^(root|0)(:|$)/.test(user))
    return [`DL3002: the last user is ${user ?? "root"}`];
  return /^\d+:\d+$/.test(user) ? [] : [`runAsNonRoot: ${user} is not two numbers`];
}

function problemsOfOne({ word, rest }: Instruction): string[] {
  if (word === "ADD") return [`DL3020: ADD ${rest}`];
  if (word === "COPY" && /--(link|exclude)\b/.test(rest)) return [`buildah: COPY ${rest}`];
  if ((word === "CMD" || word === "ENTRYPOINT") && !rest.startsWith("[")) return [`DL3025: ${word} ${rest}`];
  return word === "RUN" ? runProblems(rest) : [];
}

function runProblems(rest: string): string[] {
  const problems: string[] = [];
  if (rest.startsWith("<<")) problems.push("buildah: RUN <<");
  if (/[^|]\|[^|]/.test(rest) && !rest.includes("set -o pipefail")) problems.push(`DL4006: ${rest}`);
  if (!/\bapt-get install\b/.test(rest)) return problems;
  if (!/apt-get install.* [\w.+-]+=\S/.test(rest)) problems.push("DL3008: a package without a version");
  if (!rest.includes("rm -rf /var/lib/apt/lists")) problems.push("DL3009: the lists stay");
  if (!rest.includes("--no-install-recommends")) problems.push("DL3015: recommended packages");
  return problems;
}
