// A test that dies with a node in its hands (node.test.ts): starts one with a Pod, prints its directory, waits.
import { BUSYBOX_IMAGE, startNode } from "./node.ts";

const node = await startNode();
await node.kubectl(["run", "left", `--image=${BUSYBOX_IMAGE}`, "--image-pull-policy=Never"]);
await node.kubectl(["wait", "--for=condition=Ready", "pod/left", "--timeout=60s"]);
console.log(node.directory);
setInterval(() => {}, 60_000);
