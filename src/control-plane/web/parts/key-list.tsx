import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { KEY_WORDS, keysShown } from "../fleet/keys.ts";

/** The list of keys. Esc closes it. */
export function KeyList(): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  const open = keysShown.value;
  useEffect(() => {
    if (open) ref.current?.showModal();
    else ref.current?.close();
  }, [open]);
  return (
    <dialog ref={ref} class="keys" aria-labelledby="keys-title" onClose={() => (keysShown.value = false)}>
      <h2 id="keys-title">Keys</h2>
      <dl>
        {KEY_WORDS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <button type="button" class="button" onClick={() => (keysShown.value = false)}>
        Close
      </button>
    </dialog>
  );
}
