import type { JSX } from "preact";
import { Mark } from "./mark.tsx";

/** What is wrong with a field, under it. */
export function FieldError({
  id,
  text,
}: {
  readonly id: string;
  readonly text: string | null;
}): JSX.Element | null {
  if (text === null) return null;
  return (
    <span id={id} class="field-error" role="alert">
      <Mark shape="error" size={14} />
      {text}
    </span>
  );
}

interface TextFieldProps {
  readonly id: string;
  readonly name: string;
  readonly value: string;
  /** Gives way to an error. */
  readonly hint?: string | undefined;
  readonly error?: string | null;
  readonly mono?: boolean;
  readonly inputMode?: "numeric" | "url" | "text";
  readonly required?: boolean;
  readonly placeholder?: string;
  readonly onText: (text: string) => void;
}

/** A labelled line of text. */
export function TextField(props: TextFieldProps): JSX.Element {
  const {
    id,
    name,
    value,
    error = null,
    mono = true,
    inputMode = "text",
    required = false,
    placeholder,
    onText,
  } = props;
  const hint = error === null ? props.hint : undefined;
  const described = [error === null ? "" : `${id}-error`, hint === undefined ? "" : `${id}-hint`]
    .filter((part) => part !== "")
    .join(" ");
  return (
    <div class="field">
      <label class="field-name" for={id}>
        {name}
      </label>
      <input
        id={id}
        class={mono ? "input mono" : "input"}
        value={value}
        inputMode={inputMode}
        required={required}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        placeholder={placeholder}
        aria-invalid={error !== null}
        aria-describedby={described === "" ? undefined : described}
        onInput={(event) => onText(event.currentTarget.value)}
      />
      <FieldError id={`${id}-error`} text={error} />
      {hint !== undefined && (
        <span id={`${id}-hint`} class="hint">
          {hint}
        </span>
      )}
    </div>
  );
}
