/** What is remembered of one connector's instances. Ticks are monotonic milliseconds. */
interface Memory {
  /** When an instance was displaced by another one. */
  readonly displaced: Map<string, number>;
  /** When a displaced instance took over again. */
  takenBack: number[];
  readonly refused: Map<string, number>;
}

const MOST_INSTANCES = 32;

/**
 * Tells a restart from two instances that share one identity. A displaced instance that takes over again
 * may do so once in the window; the second time the newcomer is refused, and stays refused for as long as
 * another one is connected.
 */
export class Takeovers {
  readonly #windowMs: number;
  readonly #memoryMs: number;
  readonly #memories = new Map<string, Memory>();

  constructor({
    duplicateWindowMs,
    duplicateMemoryMs,
  }: {
    duplicateWindowMs: number;
    duplicateMemoryMs: number;
  }) {
    this.#windowMs = duplicateWindowMs;
    this.#memoryMs = duplicateMemoryMs;
  }

  /** Whether the newcomer may displace the sitting instance. Remembers what it answered. */
  admits(
    connectorId: string,
    instances: { newcomer: string; sitting: string | undefined },
    tick: number,
  ): boolean {
    const { newcomer, sitting } = instances;
    if (sitting === undefined || sitting === newcomer) return true;
    const memory = this.#memory(connectorId);
    const refusedAt = memory.refused.get(newcomer);
    const stillRefused = refusedAt !== undefined && tick - refusedAt < this.#memoryMs;
    if (stillRefused || !this.#mayDisplace(memory, newcomer, tick)) {
      remember(memory.refused, newcomer, tick);
      return false;
    }
    remember(memory.displaced, sitting, tick);
    return true;
  }

  #mayDisplace(memory: Memory, newcomer: string, tick: number): boolean {
    const displacedAt = memory.displaced.get(newcomer);
    if (displacedAt === undefined || tick - displacedAt > this.#windowMs) return true;
    memory.takenBack = memory.takenBack.filter((at) => tick - at <= this.#windowMs);
    if (memory.takenBack.length > 0) return false;
    memory.takenBack.push(tick);
    return true;
  }

  forget(connectorId: string): void {
    this.#memories.delete(connectorId);
  }

  #memory(connectorId: string): Memory {
    const known = this.#memories.get(connectorId);
    if (known !== undefined) return known;
    const made: Memory = { displaced: new Map(), takenBack: [], refused: new Map() };
    this.#memories.set(connectorId, made);
    return made;
  }
}

function remember(map: Map<string, number>, instance: string, tick: number): void {
  map.delete(instance);
  map.set(instance, tick);
  const [oldest] = map.keys();
  if (oldest !== undefined && map.size > MOST_INSTANCES) map.delete(oldest);
}
