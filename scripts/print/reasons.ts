import { conditionOf, type Reason, REASONS, type ReasonCode } from "../../src/protocol/reasons.ts";
import { STAGES } from "../../src/protocol/stages.ts";
import { STORE_WORDS } from "../../src/protocol/store-words/index.ts";

/** docs/reasons.md: the closed table, by stage. */
export function reasonsPage(): string {
  const sections = [...STAGES, "connector" as const].map((stage) => {
    const rows = Object.entries<Reason>(REASONS).filter(([, row]) => row.stage === stage);
    if (rows.length === 0) return "";
    return `## ${stage}\n\n${rows.map(([code, row]) => section(code as ReasonCode, row)).join("\n")}`;
  });
  return [
    "# Reasons",
    "",
    "Printed from `src/protocol/reasons.ts` and `src/protocol/store-words/`. Every failure carries one of these codes; a code is never renamed and",
    "never means two things. Words in braces are filled in with the real names. Of several wordings, and of several",
    "forms of one step, the first whose names are all known is shown. A reason without words here is reserved: nothing",
    "in this version raises it.",
    "",
    "| condition | sentence |",
    "|---|---|",
    "| `connector_unreachable` | Connector NAME is unreachable. |",
    "| `integration_unreachable` | Integration NAME is unreachable. |",
    "| `secret_unreachable` | Secret NAME is unreachable. |",
    "| `secret_invalid` | Secret NAME is invalid. |",
    "| `discovery_failed` | Discovery of resources failed. |",
    "| `requests_failing` | N failed requests in the last day |",
    "",
    ...sections.filter((text) => text !== ""),
  ].join("\n");
}

function section(code: ReasonCode, row: Reason): string {
  const parts = [`### ${code}`, "", conditionLine(code, row), "", ...wording(row)];
  for (const [store, words] of Object.entries(STORE_WORDS)) {
    const own = words[code];
    if (own !== undefined) parts.push(`Of the store ${store}, first:`, "", ...wording(own));
  }
  return parts.join("\n");
}

function wording({ says = [], remedy = [] }: Pick<Reason, "says" | "remedy">): string[] {
  const steps = remedy.map((entry, index) => {
    const forms = "text" in entry ? [entry] : entry;
    return `${index + 1}. ${forms.map(({ text, command }) => (command === undefined ? text : `${text} \`${command}\``)).join(" *or* ")}`;
  });
  const lines = says.map((text) => `- ${text}`);
  return [...lines, ...(lines.length > 0 ? [""] : []), ...steps, ...(steps.length > 0 ? [""] : [])];
}

function conditionLine(code: ReasonCode, row: Reason): string {
  if (row.stage === "connector") return "Concerns the connector or its configuration.";
  const plain = conditionOf(row.stage, code, false);
  const discovers = conditionOf(row.stage, code, true);
  if (plain === discovers) return `Told as \`${plain}\`.`;
  return `Told as \`${plain}\`, or \`${discovers}\` for a type that discovers.`;
}
