import type { Connector, Integration, RemedyStep } from "../api/shapes.ts";
import { knotsOf } from "./stage-words.ts";

const VERDICTS = { passed: "passed", failed: "failed", not_checked: "not checked" } as const;

function stepsOf(remedy: readonly RemedyStep[]): string[] {
  if (remedy.length === 0) return [];
  const lines = ["", "### What to do", ""];
  remedy.forEach((step, index) => {
    lines.push(`${index + 1}. ${step.text}`);
    if (step.command !== null) lines.push("", "   ```sh", `   ${step.command}`, "   ```", "");
  });
  return lines;
}

function ended(lines: readonly string[], url: string, at: number): string {
  return `${[...lines, "", `As of ${new Date(at).toISOString()}: ${url}`].join("\n").replaceAll(/\n{3,}/g, "\n\n")}\n`;
}

/** An integration as Markdown: sentence, cause, stages, evidence, commands, address. */
export function integrationTicket(item: Integration, url: string, at: number): string {
  const lines = [`## ${item.message}`, ""];
  if (item.cause !== null) lines.push(item.cause, "");
  lines.push(
    `Connector \`${item.connector}\`, ${item.type} \`${item.address}\`, ${item.state} since ${item.since}`,
  );
  if (item.reason !== null) lines.push(`Stage \`${item.stage ?? "-"}\`, reason \`${item.reason}\``);
  lines.push("", "| stage | outcome |", "| --- | --- |");
  for (const knot of knotsOf(item))
    lines.push(`| ${knot.stage} | ${knot.word}${knot.ms === null ? "" : `, ${knot.ms}`} |`);
  if (item.findings.length > 0) {
    lines.push("", "### What the connector saw", "");
    for (const { subject, verdict, text } of item.findings)
      lines.push(`- ${subject}: ${VERDICTS[verdict]}. ${text}`);
  }
  return ended([...lines, ...stepsOf(item.remedy)], url, at);
}

/** A connector, the same way. */
export function connectorTicket(connector: Connector, url: string, at: number): string {
  const lines = [`## ${connector.message}`, ""];
  if (connector.cause !== null) lines.push(connector.cause, "");
  lines.push(
    `State \`${connector.state}\` since ${connector.since}, last heartbeat ${connector.lastHeartbeatAt ?? "never"}, version ${connector.version ?? "unknown"}`,
  );
  return ended([...lines, ...stepsOf(connector.remedy)], url, at);
}
