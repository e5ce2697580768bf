import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { conditionOf, type Reason, REASONS, type ReasonCode } from "../../src/protocol/reasons.ts";
import { STAGES } from "../../src/protocol/stages.ts";
import { causeOf, printable, remedyOf, sentenceOf, shellWord } from "../../src/protocol/words.ts";

const codes = Object.keys(REASONS) as ReasonCode[];

/** Evidence that has every name a template can ask for. */
const everything = new Proxy<Record<string, string>>(
  {},
  { get: (_, name) => (typeof name === "string" ? `<${name}>` : undefined) },
);

describe("the table of reasons", () => {
  test("a reason with words has a remedy, and the reverse", () => {
    for (const [code, row] of Object.entries<Reason>(REASONS)) {
      expect([code, row.says !== undefined]).toEqual([code, row.remedy !== undefined]);
    }
  });

  test.each(codes)("%s: whole sentences, no name left open", (code) => {
    const cause = causeOf(code, everything);
    expect(cause).toMatch(/^\S.*\.$/s);
    expect(cause).not.toMatch(/[{}]/);
    for (const { text, command } of remedyOf(code, everything)) {
      expect(text).toMatch(/^[A-Z].*\.$/);
      expect(`${text}${command ?? ""}`).not.toMatch(/\{[a-zA-Z]+\}/);
    }
  });

  /** The names that a form needs. */
  const needs = (form: string): string[] => [...form.matchAll(/\{([a-zA-Z]+)\}/g)].map(([name]) => name);

  test.each(codes)("%s: no form is hidden by one before it that needs no more", (code) => {
    const { says = [], remedy = [] }: Reason = REASONS[code];
    const steps = remedy.map((entry) => ("text" in entry ? [entry] : entry));
    const lists = [says, ...steps.map((forms) => forms.map(({ text, command = "" }) => text + command))];
    for (const forms of lists) {
      for (const [index, form] of forms.entries()) {
        const known = needs(form);
        const hiding = forms
          .slice(0, index)
          .filter((earlier) => needs(earlier).every((name) => known.includes(name)));
        expect(hiding, form).toEqual([]);
      }
    }
  });

  test("a certificate of an unknown issuer is not told as self-signed", () => {
    const of = { target: "db:1" };
    expect(causeOf("certificate_untrusted", { ...of, issuer: "Corp CA", code: "X" })).toBe(
      "The certificate of db:1 was issued by Corp CA, which the connector does not trust (X).",
    );
    expect(causeOf("certificate_untrusted", of)).toContain("is self-signed");
  });

  test("a step whose names are not known is left out; a cause always says something", () => {
    for (const code of codes) {
      expect(causeOf(code, {})).not.toMatch(/\{[a-zA-Z]+\}/);
      for (const { text, command } of remedyOf(code, {}))
        expect(`${text}${command ?? ""}`).not.toMatch(/\{[a-zA-Z]+\}/);
    }
  });

  test("the sentence is chosen by the stage, unless the reason's row says otherwise", () => {
    expect(conditionOf("resolve", "dns_not_found", true)).toBe("integration_unreachable");
    expect(conditionOf("secret", "secret_not_found", true)).toBe("secret_unreachable");
    expect(conditionOf("secret", "secret_unparsable", true)).toBe("secret_invalid");
    expect(conditionOf("secret", "secret_field_missing", true)).toBe("secret_invalid");
    expect(conditionOf("secret", "secret_field_empty", true)).toBe("secret_invalid");
    expect(conditionOf("authenticate", "credentials_rejected", true)).toBe("secret_invalid");
    expect(conditionOf("authenticate", "source_address_denied", true)).toBe("integration_unreachable");
    expect(conditionOf("authenticate", "ssh_host_key_changed", true)).toBe("integration_unreachable");
    expect(conditionOf("authorize", "permission_denied", true)).toBe("discovery_failed");
    expect(conditionOf("authorize", "permission_denied", false)).toBe("integration_unreachable");
    expect(conditionOf("authorize", "database_not_found", true)).toBe("integration_unreachable");
    expect(conditionOf("grant", "grant_forbidden", false)).toBe("requests_failing");
    for (const stage of STAGES) expect(conditionOf(stage, "unknown", false)).toBeTypeOf("string");
  });
});

describe("words", () => {
  test("the six sentences", () => {
    const names = { name: "orders-db", secret: "data/orders-db" };
    expect(sentenceOf("connector_unreachable", names)).toBe("Connector orders-db is unreachable.");
    expect(sentenceOf("integration_unreachable", names)).toBe("Integration orders-db is unreachable.");
    expect(sentenceOf("secret_unreachable", names)).toBe("Secret data/orders-db is unreachable.");
    expect(sentenceOf("secret_invalid", names)).toBe("Secret data/orders-db is invalid.");
    expect(sentenceOf("discovery_failed", names)).toBe("Discovery of resources failed.");
    expect(sentenceOf("requests_failing", { ...names, name: "3" })).toBe("3 failed requests in the last day");
    const forged = { name: "a", secret: "x\n\u001b[2J\u009b" };
    expect(sentenceOf("secret_invalid", forged)).toBe("Secret x��[2J� is invalid.");
  });

  test("a name that would be a flag, or another name once it is shown, leaves the step without its command", () => {
    const vault = { storeType: "vault", integration: "a", store: "v", mount: "secret", missingVersion: 3 };
    const commandsOf = (vaultPath: string): (string | null)[] =>
      remedyOf("secret_not_found", { ...vault, vaultPath }).map(({ command }) => command);
    expect(commandsOf("prod/orders")).toEqual(["vault kv metadata get -mount=secret prod/orders"]);
    expect(commandsOf("-output-curl-string")).toEqual([null]);
    expect(commandsOf("p".repeat(300))).toEqual([null]);
    expect(commandsOf("prod\u202eorders")).toEqual([null]);
  });

  test("a name cannot leave its place in a command or in a line", () => {
    expect(shellWord("orders-db.data.svc:5432/x")).toBe("orders-db.data.svc:5432/x");
    expect(shellWord("a'; rm -rf / #")).toBe("'a'\\''; rm -rf / #'");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(printable(text).length).toBeLessThanOrEqual(200);
      }),
    );
  });
});
