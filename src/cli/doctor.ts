import process from "node:process";
import manifest from "../../package.json" with { type: "json" };
import { INTEGRATION_TYPES } from "../connector/integrations/index.ts";
import type { RightsWish } from "../connector/doctor-rights.ts";
import { type Loaded, problemLine } from "../connector/item.ts";
import type { Finding } from "../protocol/report.ts";
import type { Command, Given } from "./command.ts";
import { CONNECTOR_FLAGS, namespacesOf } from "./connector.ts";
import { findingLine, letter } from "./letter.ts";
import { paintFor } from "./paint.ts";
import { judgeRemote, load } from "./settings.ts";

const { "control-plane": controlPlane, ca, "join-token-file": joinToken, state } = CONNECTOR_FLAGS;
const { "service-account-token-file": accountToken } = CONNECTOR_FLAGS;

export const doctor: Command = {
  name: "doctor",
  usage: "doctor [FILE] [--control-plane URL]",
  says: "Says why this connector could not do its work: its file, its key, the way to the control plane, and its welcome. Disturbs nothing.",
  flags: {
    "control-plane": controlPlane,
    ca,
    "join-token-file": joinToken,
    "service-account-token-file": accountToken,
    state,
    lease: CONNECTOR_FLAGS.lease,
    "crd-namespaces": CONNECTOR_FLAGS["crd-namespaces"],
    json: { says: "print the findings as JSON" },
  },
  args: [0, 1],
  async run(given) {
    const [file] = given.args;
    const { examine } = await import("../connector/doctor.ts");
    const loaded = file === undefined ? undefined : await load(file);
    const configuration = file === undefined || loaded === undefined ? [notNamed] : judged(file, loaded);
    const patient = {
      version: manifest.version,
      controlPlane: given.flag("control-plane"),
      ca: given.flag("ca"),
      joinTokenFile: given.flag("join-token-file"),
      serviceAccountTokenFile: given.flag("service-account-token-file"),
      stateDir: given.flag("state") ?? "mooring-state",
      environment: process.env,
      listen: { host: "127.0.0.1", port: 0 },
      load,
      judgeRemote,
    };
    const { findings, way } = await examine(patient, INTEGRATION_TYPES);
    const rights = await rightsOf(given, loaded?.ok === true ? loaded.configuration : { items: [] });
    const all = [...configuration, ...rights, ...findings];
    if (given.isSet("json"))
      process.stdout.write(`${JSON.stringify({ findings: all, way: way ?? null }, null, 2)}\n`);
    else {
      const paint = paintFor(process.stdout, process.env);
      process.stdout.write(`${all.map((finding) => findingLine(finding, paint)).join("\n")}\n\n`);
      if (way !== undefined) process.stdout.write(letter(way, paint));
    }
    return way?.state === "error" || all.some(({ verdict }) => verdict === "failed") ? 1 : 0;
  },
};

const notNamed: Finding = { subject: "configuration", verdict: "not_checked", text: "no file is named" };

/** The rights in the cluster that the settings need. */
async function rightsOf(
  given: Given,
  configuration: RightsWish["configuration"],
): Promise<readonly Finding[]> {
  const namespaces = namespacesOf(given.flag("crd-namespaces"));
  const { examineRights } = await import("../connector/doctor-rights.ts");
  return examineRights({
    configuration,
    stateDir: given.flag("state") ?? "",
    lease: given.flag("lease"),
    crdNamespaces: namespaces === "all" ? ["*"] : (namespaces ?? []),
    environment: process.env,
  });
}

function judged(file: string, loaded: Loaded): Finding[] {
  if (!loaded.ok) {
    return loaded.problems.map((problem) => ({
      subject: "configuration",
      verdict: "failed",
      text: problemLine(problem),
    }));
  }
  const { length } = loaded.configuration.items;
  return [
    {
      subject: "configuration",
      verdict: "passed",
      text: `${file} names ${length} ${length === 1 ? "integration" : "integrations"}`,
    },
  ];
}
