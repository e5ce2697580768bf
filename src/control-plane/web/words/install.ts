/** What the commands of an install name. */
export interface InstallNames {
  readonly connector: string;
  /** The control plane's address as the connector dials it. */
  readonly controlPlane: string;
  /** The chart's reference, or null where the control plane was started without one. */
  readonly chart: string | null;
  readonly version: string | null;
}

/** The http(s) origin as the address of the socket. */
export function socketUrl(origin: string): string {
  return origin.replace(/^http/, "ws");
}

/** Every step from nothing to a connected connector. The token is pasted, so that no shell history keeps it. */
export function installSteps(names: InstallNames): { readonly text: string; readonly command: string }[] {
  if (names.chart === null)
    return [
      {
        text: "Write the token to a file: paste it, then Enter and Ctrl+D.",
        command: "(umask 077; cat > join-token)",
      },
      {
        text: "Start the connector with it.",
        command: `npx mooring connector mooring.yaml --control-plane ${names.controlPlane} --join-token-file join-token --state ./${names.connector}`,
      },
    ];
  const url = socketUrl(names.controlPlane);
  const version = names.version === null ? "" : ` --version ${names.version}`;
  return [
    { text: "Make a namespace for it.", command: "kubectl create namespace mooring" },
    {
      text: "Keep the token as a secret: paste it, then Enter and Ctrl+D.",
      command: "kubectl -n mooring create secret generic mooring-join --from-file=token=/dev/stdin",
    },
    {
      text: "Install the connector.",
      command: `helm upgrade --install mooring ${names.chart}${version} -n mooring --set controlPlane.url=${url} --set controlPlane.connectorName=${names.connector} --set controlPlane.auth.existingSecret.name=mooring-join --wait`,
    },
  ];
}
