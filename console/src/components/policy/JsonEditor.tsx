import { json } from "@codemirror/lang-json";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";
import { useEffect, useRef } from "react";
import { EDITOR_COLOURS, EDITOR_THEME } from "./editorTheme";
import { offsetAt, type PolicyProblem, type Position } from "./problems";

interface Props {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly label: string;
  readonly readOnly: boolean;
  readonly problems: readonly PolicyProblem[];
  /** Where the cursor goes when this changes. */
  readonly jump?: Position | undefined;
  readonly describedBy?: string | undefined;
}

const HIGHLIGHT = HighlightStyle.define([
  { tag: tags.propertyName, color: EDITOR_COLOURS.property },
  { tag: tags.string, color: EDITOR_COLOURS.text },
  { tag: [tags.number, tags.bool, tags.null], color: EDITOR_COLOURS.literal },
]);

/** The editor itself, in a file of its own so that it is loaded only when a page shows one. */
export default function JsonEditor({ value, onChange, label, readOnly, problems, jump, describedBy }: Props) {
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const writable = useRef(new Compartment());
  const change = useRef(onChange);
  const shown = useRef({ value, label, readOnly });
  change.current = onChange;

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    // In a shadow root the editor adopts a style sheet; elsewhere it would insert <style>, which the page's policy
    // forbids.
    const root = element.shadowRoot ?? element.attachShadow({ mode: "open" });
    const { value: first, label: name, readOnly: fixed } = shown.current;
    const editor = new EditorView({
      root,
      parent: root,
      doc: first,
      extensions: [
        basicSetup,
        json(),
        lintGutter(),
        syntaxHighlighting(HIGHLIGHT),
        EDITOR_THEME,
        EditorView.lineWrapping,
        // Read-only text stays focusable, so that the keyboard can scroll and copy it.
        writable.current.of(EditorState.readOnly.of(fixed)),
        EditorView.contentAttributes.of({
          "aria-label": name,
          "aria-readonly": String(fixed),
          spellcheck: "false",
          // Editable elements are reachable with the Tab key anyway, but accessibility checkers look for this
          // attribute.
          tabindex: "0",
        }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) change.current(update.state.doc.toString());
        }),
      ],
    });
    view.current = editor;
    return () => {
      editor.destroy();
      view.current = undefined;
    };
  }, []);

  useEffect(() => {
    shown.current = { value, label, readOnly };
    const editor = view.current;
    if (editor === undefined) return;
    editor.dispatch({ effects: writable.current.reconfigure(EditorState.readOnly.of(readOnly)) });
    const present = editor.state.doc.toString();
    if (present !== value) editor.dispatch({ changes: { from: 0, to: present.length, insert: value } });
  }, [value, label, readOnly]);

  useEffect(() => {
    const editor = view.current;
    if (editor === undefined) return;
    const text = editor.state.doc.toString();
    const marks = problems.flatMap((problem) => {
      if (problem.line === undefined) return [];
      const from = offsetAt(text, problem.line, problem.column ?? 1);
      return [{ from, to: Math.min(from + 1, text.length), severity: "error" as const, message: problem.message }];
    });
    editor.dispatch(setDiagnostics(editor.state, marks));
  }, [problems]);

  useEffect(() => {
    const editor = view.current;
    if (editor === undefined || jump === undefined) return;
    const anchor = offsetAt(editor.state.doc.toString(), jump.line, jump.column);
    editor.dispatch({ selection: { anchor }, scrollIntoView: true });
    editor.focus();
  }, [jump]);

  return <div ref={host} data-testid="json-editor" aria-describedby={describedBy} />;
}
