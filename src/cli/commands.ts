import { check } from "./check.ts";
import type { Command } from "./command.ts";
import { demo } from "./demo.ts";

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [demo, check];
