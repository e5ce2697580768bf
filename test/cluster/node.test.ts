import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { eventually } from "../process/programs.ts";
import { type BuiltImage, builtImage } from "./image.ts";
import { BUSYBOX_IMAGE, canRunNode, type Node, startNode } from "./node.ts";
import { tracesOf } from "./traces.ts";

const why = await canRunNode();

const pod = (name: string, container: object, further: object = {}): string =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 1,
      restartPolicy: "Never",
      containers: [{ name: "main", imagePullPolicy: "Never", ...container }],
      ...further,
    },
  });

describe.skipIf(why !== undefined)(`a real node${why === undefined ? "" : ` (skipped: ${why})`}`, () => {
  let node: Node;
  let image: BuiltImage;
  beforeAll(async () => {
    [node, image] = await Promise.all([startNode(), builtImage()]);
    await node.importImage(image.archive);
    const container = {
      image: BUSYBOX_IMAGE,
      command: ["sh", "-c", "echo hello > /tmp/index.html; httpd -f -h /tmp"],
    };
    await node.kubectl(["apply", "-f", "-"], { stdin: pod("web", container) });
    await node.kubectl(["expose", "pod", "web", "--port=80"]);
    await node.kubectl(["wait", "--for=condition=Ready", "pod/web", "--timeout=60s"]);
  });
  afterAll(() => node.stop());

  const finished = async (name: string, stdin: string): Promise<string> => {
    await node.kubectl(["apply", "-f", "-"], { stdin });
    await node.kubectl(["wait", "--for=jsonpath={.status.phase}=Succeeded", `pod/${name}`, "--timeout=60s"]);
    return node.logs("default", name);
  };

  test("resolves a Service's name in a Pod and routes to its Pods", async () => {
    const fetched = async (name: string): Promise<string> =>
      node.exec("default", "web", ["wget", "-qO-", `http://${name}/`]);
    expect(await fetched("web")).toBe("hello\n");
    expect(await fetched("web.default.svc.cluster.local")).toBe("hello\n");
    expect(await node.exec("default", "web", ["nslookup", "kubernetes.default.svc.cluster.local"])).toMatch(
      /Address: 198\.18\.\d+\.1\n/,
    );
    await expect(fetched("nobody.default.svc")).rejects.toThrow("bad address");
  });

  test("can be dialled from the test, and dials it", async () => {
    const address = await node.kubectl(["get", "service", "web", "-o", "jsonpath={.spec.clusterIP}"]);
    expect(await (await fetch(`http://${address}/`)).text()).toBe("hello\n");
    const server = createServer((_, response) => response.end("from the test"));
    server.listen(0, node.hostAddress);
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const url = `http://${node.hostAddress}:${port}/`;
    expect(await node.exec("default", "web", ["wget", "-qO-", url])).toBe("from the test");
    server.close();
  });

  test("runs our image without a shell, a user's name or a writable root", async () => {
    const securityContext = {
      runAsNonRoot: true,
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      seccompProfile: { type: "RuntimeDefault" },
    };
    const container = { image: image.name, securityContext };
    expect(await finished("version", pod("version", { ...container, args: ["--version"] }))).toMatch(
      /^\d+\.\d+\.\d+\n$/,
    );
    const script = `
      const { writeFileSync } = require("node:fs");
      const write = (path) => { try { writeFileSync(path, "x"); return "written"; } catch (error) { return error.code; } };
      console.log(JSON.stringify({ uid: process.getuid(), gid: process.getgid(), root: write("/x"), app: write("/app/x"),
        options: process.env.NODE_OPTIONS }));`;
    const command = ["/nodejs/bin/node", "-e", script];
    const written = JSON.parse(await finished("inside", pod("inside", { ...container, command })));
    expect(written).toMatchObject({ uid: 65532, gid: 65532, root: "EROFS", app: "EROFS" });
    const writable = { ...container, securityContext: { ...securityContext, readOnlyRootFilesystem: false } };
    const other = JSON.parse(await finished("owned", pod("owned", { ...writable, command })));
    expect(other).toMatchObject({ root: "EACCES", app: "EACCES" });
    const shell = { name: "sh", ...container, command: ["/bin/sh"] };
    await node.kubectl(["apply", "-f", "-"], { stdin: pod("shell", shell) });
    await eventually("the shell is not found", async () => {
      const status = await node.kubectl([
        "get",
        "pod",
        "shell",
        "-o",
        "jsonpath={.status.containerStatuses[0].state}",
      ]);
      return status.includes("no such file or directory") || undefined;
    });
  });

  test("has the packages that are loaded on first use in our image", async () => {
    const all = Object.keys(manifest.dependencies);
    expect(all).toContain("pg");
    const script = `for (const name of ${JSON.stringify(all)}) await import(name); console.log("all")`;
    const command = ["/nodejs/bin/node", "--input-type=module", "-e", script];
    expect(await finished("packages", pod("packages", { image: image.name, command }))).toBe("all\n");
  });

  test("runs the connector, which looks at a Service and ends when it is asked to", async () => {
    const item = { name: "web", type: "tcp", config: { host: "web.default.svc", port: 80 } };
    const data = JSON.stringify({ integrations: [item] });
    await node.kubectl(["create", "configmap", "mooring", `--from-literal=mooring.yaml=${data}`]);
    const container = {
      image: image.name,
      args: ["connector", "/etc/mooring/mooring.yaml"],
      volumeMounts: [{ name: "file", mountPath: "/etc/mooring" }],
    };
    const volumes = [{ name: "file", configMap: { name: "mooring" } }];
    const spec = { volumes, terminationGracePeriodSeconds: 10 };
    await node.kubectl(["apply", "-f", "-"], { stdin: pod("connector", container, spec) });
    await node.kubectl(["wait", "--for=condition=Ready", "pod/connector", "--timeout=60s"]);
    const address = await node.kubectl(["get", "pod", "connector", "-o", "jsonpath={.status.podIP}"]);
    await eventually("web is online", async () => {
      const answer = await fetch(`http://${address}:7481/metrics`).catch(() => undefined);
      const text = (await answer?.text()) ?? "";
      return /mooring_integration_state\{[^}]*state="online"[^}]*\} 1/.test(text) || undefined;
    });
    // Deleted it would be gone before its code can be read.
    await node.kubectl(["exec", "connector", "--", "/nodejs/bin/node", "-e", "process.kill(1, 'SIGTERM')"]);
    const code = "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}";
    await node.kubectl(["wait", `--for=${code}=0`, "pod/connector", "--timeout=20s"]);
  });

  test("gives a container no more memory than its limit", async () => {
    const resources = { limits: { memory: "64Mi" } };
    const command = ["sh", "-c", "tail /dev/zero"];
    await node.kubectl(["apply", "-f", "-"], {
      stdin: pod("greedy", { image: BUSYBOX_IMAGE, command, resources }),
    });
    const reason = "jsonpath={.status.containerStatuses[0].state.terminated.reason}";
    await node.kubectl(["wait", `--for=${reason}=OOMKilled`, "pod/greedy", "--timeout=60s"]);
  });

  test("is gone after stop, also when its test was killed", async () => {
    const other = await startNode();
    expect(other.directory).not.toBe(node.directory);
    expect(tracesOf(other.directory).length).toBeGreaterThan(5);
    await other.stop();
    expect(tracesOf(other.directory)).toEqual([]);

    const child = spawn(process.execPath, [fileURLToPath(new URL("left-behind.ts", import.meta.url))]);
    const [directory] = (await once(child.stdout, "data")) as [Buffer];
    expect(String(directory).trim()).toBe(other.directory);
    child.kill("SIGKILL");
    await once(child, "exit");
    const left = (): string[] => tracesOf(other.directory).filter((trace) => !trace.startsWith("/"));
    await eventually("no process and no mount of the killed one", () =>
      left().length === 0 ? true : undefined,
    );

    const next = await startNode();
    expect(next.directory).toBe(other.directory);
    expect(await next.kubectl(["get", "pods", "--all-namespaces", "-o", "name"])).toBe("");
    await next.stop();
    expect(tracesOf(next.directory)).toEqual([]);
  });
});
