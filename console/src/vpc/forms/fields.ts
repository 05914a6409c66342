import type { ReactNode } from "react";

export type FormValue = string | readonly string[] | boolean;
export type FormValues = Record<string, FormValue>;

export interface Choice {
  readonly value: string;
  readonly label: string;
  readonly description?: string | undefined;
}

/** A field of a form that is described by data. */
export interface Field<Values extends FormValues> {
  readonly key: keyof Values & string;
  readonly label: string;
  readonly kind: "text" | "select" | "multi" | "lines" | "check" | "choice";
  readonly description?: ReactNode;
  readonly placeholder?: string;
  readonly optional?: boolean;
  /** The choices, which may depend on other fields. */
  readonly choices?: (values: Values) => readonly Choice[];
  /** The text if there are no choices. */
  readonly none?: string;
  readonly shown?: (values: Values) => boolean;
  /** Why the value is invalid, as a sentence for the user. */
  readonly problem?: (values: Values) => string | undefined;
  /** The other fields that change with this one. */
  readonly changed?: (values: Values) => Values;
}

/** What is wrong, by field. A field that is not optional must not be empty. */
export function checkForm<Values extends FormValues>(
  fields: readonly Field<Values>[],
  values: Values,
): Partial<Record<string, string>> {
  const problems: Partial<Record<string, string>> = {};
  for (const field of fields) {
    const value = values[field.key];
    const isEmpty = typeof value === "string" ? value.trim() === "" : Array.isArray(value) && value.length === 0;
    if (isEmpty && field.optional) continue;
    const problem = isEmpty ? `${field.label}: this field is required.` : field.problem?.(values);
    if (problem !== undefined) problems[field.key] = problem;
  }
  return problems;
}

/** The lines of a text area that are not empty. */
export function linesOf(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
