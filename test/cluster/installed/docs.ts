/** The commands of docs/install.md, to be run as its reader would, with what differs here put in by name. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ROOT } from "../../chart/helm.ts";

export interface InstallDocs {
  /** Namespace, Secrets, chart and test of the control plane. */
  readonly controlPlane: string;
  /** The certificate for within the cluster alone. */
  readonly certificate: string;
  /** Join token, chart and test of a connector. */
  readonly connector: string;
}

/** The shell blocks of docs/install.md. Throws where one is not there any more. */
export async function installDocs(): Promise<InstallDocs> {
  const text = await readFile(join(ROOT, "docs", "install.md"), "utf8");
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gms)].map(([, block]) => block ?? "");
  const blockWith = (words: string): string => {
    const found = blocks.find((block) => block.includes(words));
    if (found === undefined) throw new Error(`docs/install.md has no block with: ${words}`);
    return found;
  };
  return {
    controlPlane: blockWith("helm upgrade --install mooring-control-plane"),
    certificate: blockWith("openssl req -x509"),
    connector: blockWith("mooring token create prod-eu"),
  };
}

/** The text with each of the replacements made. Throws where the docs do not say that any more. */
export function withReplaced(text: string, replacements: readonly (readonly [string, string])[]): string {
  return replacements.reduce((before, [old, replacement]) => {
    if (!before.includes(old)) throw new Error(`docs/install.md does not say any more: ${old}`);
    return before.replaceAll(old, () => replacement);
  }, text);
}
