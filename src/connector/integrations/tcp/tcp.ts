import { z } from "zod";
import { endpoint } from "../../dial/address.ts";
import { dial } from "../../dial/dial.ts";
import { host, namedProxy, port, proxy } from "../../dial/target-config.ts";
import type { IntegrationType } from "../integration.ts";

const config = z.strictObject({ host, port, proxy: proxy.optional() });

/** A TCP port. Passes once the connection stands; nothing is sent. */
export const tcp: IntegrationType<z.infer<typeof config>> = {
  type: "tcp",
  summary: "A TCP port: passes on connect, sends nothing.",
  config,
  stages: () => ["resolve", "connect"],
  address: (config) => endpoint(config.host, config.port),
  target: ({ host, port }) => ({ host, port, protection: "none" }),
  facts: () => ({ protocol: "TCP" }),
  coverage: () => ["That the program behind the port answers: nothing was sent."],
  async open(config, run) {
    const socket = await dial(run, { ...config, proxy: namedProxy(config.proxy) });
    return {
      [Symbol.asyncDispose]: () => {
        socket.destroy();
        return Promise.resolve();
      },
    };
  },
};
