import { json } from "@codemirror/lang-json";
import { EditorView, minimalSetup } from "codemirror";
import { useEffect, useRef } from "react";

interface Props {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

const LOOK = EditorView.theme({
  "&": { color: "inherit", background: "transparent", fontSize: "13px" },
  ".cm-content": {
    caretColor: "currentColor",
    fontFamily: 'ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace',
  },
  "&.cm-focused": { outline: "2px solid currentColor" },
  ".cm-cursor": { borderLeftColor: "currentColor" },
});

/** An editor of JSON. What is wrong with the text is said beside it, where it is read aloud, too. */
export default function JsonEditor({ label, value, onChange }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(undefined);
  const changed = useRef(onChange);
  const first = useRef(value);
  changed.current = onChange;
  useEffect(() => {
    const host = place.current;
    if (host === null) return;
    // In a shadow tree the editor adopts style sheets as objects; in the page it would add style elements, which the
    // policy of the page forbids.
    const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
    const made = new EditorView({
      doc: first.current,
      parent: root,
      root,
      extensions: [
        minimalSetup,
        json(),
        LOOK,
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": label }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) changed.current(update.state.doc.toString());
        }),
      ],
    });
    view.current = made;
    return () => made.destroy();
  }, [label]);
  useEffect(() => {
    const editor = view.current;
    if (editor === undefined || editor.state.doc.toString() === value) return;
    editor.dispatch({ changes: { from: 0, to: editor.state.doc.length, insert: value } });
  }, [value]);
  return <div ref={place} className="vpc-editor" />;
}
