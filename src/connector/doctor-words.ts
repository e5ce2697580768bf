import type { Report } from "../protocol/report.ts";
import type { RemedyStep } from "../protocol/words.ts";
import { isLoopback } from "../protocol/loopback.ts";

/**
 * The report of a look at the control plane's address, in words for what it is: it was looked at like an integration,
 * but it is given by --control-plane and --ca, not by a configuration file.
 */
export function ofControlPlane(report: Report): Report {
  const { state } = report;
  if (state === "error") return { ...reworded(report), message: "The control plane is unreachable." };
  if (state === "warning")
    return { ...reworded(report), message: "The control plane answers, with a warning." };
  return report;
}

function reworded(report: Report): Report {
  return { ...report, remedy: report.remedy.flatMap((step) => stepOf(step)) };
}

type Rewording = readonly [pattern: RegExp, text: string | ((match: RegExpMatchArray) => string | undefined)];

/** What speaks of an integration's file, by what stands in the closed table. `undefined`: no such step. */
const REWORDINGS: readonly Rewording[] = [
  [/^Name the issuer's certificate as config\.tls\.ca\b.*$/, "Name the issuer's certificate with --ca FILE."],
  [
    /^(Issue the certificate for .+), or set config\.tls\.serverName\b.*$/,
    ([, issue]) => `${issue}, or write --control-plane with a name that it has.`,
  ],
  [/^Write the address of \S+ as (\S+?)\/?\.$/, ([, url]) => `Write --control-plane ${url}.`],
  [
    /^If it must stay without encryption, write the address of \S+ as (\S+?)\/?\.$/,
    ([, url = ""]) =>
      URL.canParse(url) && isLoopback(new URL(url).hostname) ? `Write --control-plane ${url}.` : undefined,
  ],
  [
    /^Correct the port, or the type of [^:]+: (.+)$/,
    ([, why]) => `Correct the port of --control-plane: ${why}`,
  ],
  [/^(If .+ needs no proxy, name it in NO_PROXY), or set config\.proxy to none\.$/, ([, how]) => `${how}.`],
  [/\bconfig\.|\ba longer (timeout|interval)\b|policy\.addresses/, () => undefined],
];

function stepOf(step: RemedyStep): readonly RemedyStep[] {
  for (const [pattern, text] of REWORDINGS) {
    const match = pattern.exec(step.text);
    if (match === null) continue;
    const said = typeof text === "string" ? text : text(match);
    return said === undefined ? [] : [{ ...step, text: said }];
  }
  return [step];
}
