/**
 * A cluster of one node where both programs were installed as docs/install.md says, from the charts' folders:
 * namespace `mooring`, which enforces Pod Security "restricted"; the control plane with its database on a volume
 * and a certificate of its own; the connector `prod-eu`, release `mooring`.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import manifest from "../../../package.json" with { type: "json" };
import { builtImage } from "../image.ts";
import { type Node, startNode } from "../node.ts";
import { installDocs, withReplaced } from "./docs.ts";
import { Rest } from "./rest.ts";
import { REGISTRY, userOf } from "./user.ts";
import { volume } from "./volume.ts";

const HOST = "mooring-control-plane.mooring.svc";
export const PUBLIC_URL = `https://${HOST}:7480`;
const CONNECT_URL = `wss://${HOST}:7480`;
const RESTRICTED = "kubectl label namespace mooring pod-security.kubernetes.io/enforce=restricted";

/** The suites run side by side, the tests of one of them one after the other. */
export const inTurn = { concurrent: false } as const;

export interface World extends AsyncDisposable {
  readonly node: Node;
  readonly plane: Rest;
  /** What helm said of each install: notes, and its test. */
  readonly said: { readonly controlPlane: string; readonly connector: string };
  /** Seconds since the first command for the cluster. */
  sinceBegin(): number;
  /** Runs a script of bash as a user with kubectl, helm and openssl would, in a folder of their own. */
  readonly shell: (script: string) => Promise<string>;
  /** Writes a file into that folder. */
  write(name: string, content: unknown): Promise<void>;
  /** Installs or upgrades a connector of that name from its folder; values that are none are those of the chart. */
  connector(release: string, options: { values: object; flags?: string; join?: string }): Promise<string>;
}

/** `values` are the first ones of the connector prod-eu. */
export async function installWorld(values: (node: Node) => object | Promise<object>): Promise<World> {
  const building = builtImage();
  building.catch(() => {});
  const node = await startNode();
  try {
    const image = await building;
    await node.importImage(image.archive);
    const tag = `${REGISTRY}/mooring:${manifest.version}`;
    await node.inside(["ctr", "-n", "k8s.io", "images", "tag", image.name, tag]);
    return await installInto(node, await values(node));
  } catch (error) {
    await node.stop();
    throw error;
  }
}

async function installInto(node: Node, values: object): Promise<World> {
  const { folder, shell } = await userOf(node);
  const write = (name: string, content: unknown): Promise<void> =>
    writeFile(join(folder, name), typeof content === "string" ? content : JSON.stringify(content));
  const docs = await installDocs();
  await node.kubectl(["apply", "-f", "-"], { stdin: await volume(node) });
  await write("values.yaml", values);

  const begun = performance.now();
  const controlPlane = await shell(
    withReplaced(docs.controlPlane, [
      ["kubectl create namespace mooring\n", `kubectl create namespace mooring\n${RESTRICTED}\n`],
      ["kubectl -n mooring create secret tls mooring-tls --cert=tls.crt --key=tls.key\n", docs.certificate],
      ["oci://$REGISTRY/charts/mooring-control-plane --version $VERSION", "$CHARTS/mooring-control-plane"],
      ["https://mooring.example.com", PUBLIC_URL],
      ["--set service.type=LoadBalancer --set service.port=443", "--set tls.caKey=ca.crt"],
      ["--wait", "--set liveness=fast --wait"],
    ]),
  );
  const address = await node.kubectl([
    ...["-n", "mooring", "get", "service", "mooring-control-plane"],
    ...["-o", "jsonpath={.spec.clusterIP}"],
  ]);
  // As the docs say: the name is written into /etc/hosts of whoever works from outside of the cluster.
  await writeFile(join(folder, "hosts"), `127.0.0.1 localhost\n${address} ${HOST}\n`);
  const connector = await shell(
    withReplaced(docs.connector, [
      [
        "https://mooring.example.com --token-file operator-token",
        `${PUBLIC_URL} --ca tls.crt --token-file operator-token`,
      ],
      ["oci://$REGISTRY/charts/mooring-connector --version $VERSION", "$CHARTS/mooring-connector"],
      ["wss://mooring.example.com", CONNECT_URL],
      ["--wait", "--set controlPlane.ca.existingConfigMap=mooring-ca -f values.yaml --wait"],
    ]),
  );
  const ca = await readFile(join(folder, "tls.crt"), "utf8");
  const token = await readFile(join(folder, "operator-token"), "utf8");
  const plane = new Rest({ url: PUBLIC_URL, address, ca, token });

  const install: World["connector"] = async (release, { values, flags = "--wait", join: name }) => {
    await write(`${release}.json`, values);
    const auth = `${release}-join`;
    const created = `npx mooring token create ${name} --control-plane ${PUBLIC_URL} --ca tls.crt --token-file operator-token`;
    const secret = `kubectl -n mooring create secret generic ${auth} --from-file=token=/dev/stdin`;
    const own = `controlPlane.auth.existingSecret.name=${release === "mooring" ? "mooring-join" : auth}`;
    return shell(`${name === undefined ? "" : `${created} | ${secret}`}
      helm upgrade --install ${release} $CHARTS/mooring-connector -n mooring --set image.registry=$REGISTRY \\
        --set controlPlane.url=${CONNECT_URL} --set ${own} \\
        --set controlPlane.ca.existingConfigMap=mooring-ca -f ${release}.json ${flags}`);
  };
  return {
    node,
    plane,
    said: { controlPlane, connector },
    sinceBegin: () => (performance.now() - begun) / 1000,
    shell,
    write,
    connector: install,
    async [Symbol.asyncDispose]() {
      await plane.close();
      await node.stop();
    },
  };
}
