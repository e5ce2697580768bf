// What one process of a run asks another one of, over the channel that Node puts between a parent and its child.
import type { ChildProcess } from "node:child_process";
import process from "node:process";

interface Call {
  readonly id: number;
  readonly method: string;
  readonly argument: unknown;
}

type Answer = { readonly id: number } & ({ readonly result: unknown } | { readonly error: string });

/** The parent's side. A call fails with what the child threw, or where the child ends. */
export class Calls {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<
    number,
    { resolve: (result: unknown) => void; reject: (error: Error) => void }
  >();
  #last = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
    child.on("message", (answer: Answer) => {
      const waits = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if ("error" in answer) waits?.reject(new Error(answer.error));
      else waits?.resolve(answer.result);
    });
    child.once("exit", (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the helper ended with ${code}`));
    });
  }

  call<T>(method: string, argument?: unknown): Promise<T> {
    const id = (this.#last += 1);
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: (result) => resolve(result as T), reject });
      this.#child.send({ id, method, argument } satisfies Call);
    });
  }
}

/** The child's side: answers until its parent is gone, and then ends. */
export function answerCalls(methods: Readonly<Record<string, (argument: never) => unknown>>): void {
  process.on("disconnect", () => process.exit(0));
  // Whoever interrupts a run interrupts all of its processes: the parent decides when this one ends.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});
  process.on("message", ({ id, method, argument }: Call) => {
    void Promise.resolve()
      .then(() => methods[method]?.(argument as never))
      .then(
        (result) => process.send?.({ id, result }),
        (error: unknown) => process.send?.({ id, error: String(error) }),
      );
  });
}
