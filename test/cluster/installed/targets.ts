/**
 * What the connector looks at in namespace `data`: Services that do not answer, each for a reason of its own,
 * and one that does. The Pods are real; the kubelet says what is wrong with them.
 */
import { BUSYBOX_IMAGE } from "../node.ts";

const SERVE = ["sh", "-c", "echo hello > /tmp/index.html; exec httpd -f -p 8080 -h /tmp"];

interface Wish {
  readonly image?: string;
  readonly command?: readonly string[];
  readonly readinessProbe?: object;
}

/** A Pod of the label `app`, and nothing else. */
function pod(name: string, { image = BUSYBOX_IMAGE, command = SERVE, ...probe }: Wish = {}): object {
  const container = { name: "main", image, imagePullPolicy: "IfNotPresent", command, ...probe };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "data", labels: { app: name } },
    spec: { terminationGracePeriodSeconds: 1, containers: [container] },
  };
}

function service(name: string, selected = name): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "data" },
    spec: { selector: { app: selected }, ports: [{ port: 80, targetPort: 8080 }] },
  };
}

/** What is told of each: its reason, what the evidence says last, and the first step of the remedy. */
export const SERVICES = {
  answers: undefined,
  absent: {
    reason: "dns_not_found",
    finding: "^failed Service: there is no Service absent in namespace data$",
    command: "kubectl -n data get services",
  },
  "wrong-port": {
    reason: "connect_timeout",
    finding: "^failed Service: answers has no port 81; it has 80$",
    command: "kubectl -n data get service answers",
  },
  nobody: {
    reason: "connection_refused",
    finding: "^failed Pods: no Pod has the labels that nobody selects: app=no-pod-of-this-name$",
    command: "kubectl -n data get pods -l app=no-pod-of-this-name",
  },
  crashing: {
    reason: "connection_refused",
    finding:
      "^failed Pod: crashing: container main ends again and again \\(CrashLoopBackOff, \\d+ restarts?, last Error\\)$",
    command: "kubectl -n data logs crashing -c main --previous",
  },
  imageless: {
    reason: "connection_refused",
    finding: "^failed Pod: imageless: container main cannot start \\((ErrImagePull|ImagePullBackOff)\\)$",
    command: "kubectl -n data describe pod imageless",
  },
  unready: {
    reason: "connection_refused",
    finding: "^failed Pod: unready: container main runs, and its readiness probe does not pass$",
    command: "kubectl -n data describe pod unready",
  },
  cut: {
    reason: "connect_timeout",
    finding: "^failed Service: Pods of cut are ready, and its address does not answer from here",
    command: "kubectl -n data get networkpolicies",
  },
} as const;

/** A Secret with a token, and the label of the opt-in. */
function tokenSecret(name: string, token: string): object {
  const metadata = { name, namespace: "data", labels: { "mooring-connector-read": "true" } };
  return { apiVersion: "v1", kind: "Secret", metadata, stringData: { token } };
}

/** The objects, for `kubectl apply`. */
export function targets(): string {
  const items = [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: "data" } },
    ...["answers", "cut"].map((name) => pod(name)),
    pod("crashing", { command: ["sh", "-c", "exit 3"] }),
    pod("imageless", { image: "127.0.0.1:1/none:1" }),
    pod("unready", { readinessProbe: { httpGet: { path: "/ready", port: 8080 }, periodSeconds: 1 } }),
    ...["answers", "cut", "crashing", "imageless", "unready"].map((name) => service(name)),
    service("nobody", "no-pod-of-this-name"),
    tokenSecret("shop", "token-of-today"),
    tokenSecret("constant", "token-of-ever"),
  ];
  return JSON.stringify({ apiVersion: "v1", kind: "List", items });
}

/** An integration for each of them. */
export function integrationsOfTargets(): object[] {
  return Object.keys(SERVICES).map((name) => {
    const [host, port] = name === "wrong-port" ? ["answers", 81] : [name, 80];
    const config = { host: `${host}.data.svc`, port };
    return { name, type: "tcp", interval: "5s", timeout: "2s", config };
  });
}
