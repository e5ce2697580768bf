import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { announce } from "../fleet/announce.ts";
import { Icon, type IconName } from "./icon.tsx";

const SAID_MS = 2000;

/** Copies a text, and says so for two seconds at the same width. Returns whether it is said now, and the act. */
export function useCopy(text: () => string, what: string): readonly [copied: boolean, copy: () => void] {
  const [copied, setCopied] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const copy = (): void => {
    navigator.clipboard.writeText(text()).then(
      () => {
        clearTimeout(timer.current);
        setCopied(true);
        announce(`${what} copied.`);
        timer.current = setTimeout(() => setCopied(false), SAID_MS);
      },
      () => announce("The browser did not let this page copy."),
    );
  };
  return [copied, copy];
}

interface CopyProps {
  readonly text: () => string;
  readonly what: string;
  readonly label: string;
  readonly icon?: IconName;
  readonly kind: string;
}

/** A button that copies. */
export function CopyButton({ text, what, label, icon = "copy", kind }: CopyProps): JSX.Element {
  const [copied, copy] = useCopy(text, what);
  return (
    <button
      type="button"
      class={kind}
      onClick={copy}
      aria-label={
        label === "Copy" ? `Copy ${what === what.toUpperCase() ? what : what.toLowerCase()}` : undefined
      }
    >
      <Icon name={copied ? "check" : icon} />
      <span class="same-width">
        <span class={copied ? "unseen" : ""}>{label}</span>
        <span class={copied ? "" : "unseen"} aria-hidden="true">
          Copied
        </span>
      </span>
    </button>
  );
}
