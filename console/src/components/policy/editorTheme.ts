import { EditorView } from "@codemirror/view";

// The design system's colours, which follow the theme of the page; the value after the comma is for a
// version of it that has other names for them.
const TEXT = "var(--color-text-body-default-b2us04, currentColor)";
const SECONDARY = "var(--color-text-body-secondary-66ygbb, currentColor)";
const BACKGROUND = "var(--color-background-input-default-1u0v1p, Canvas)";
const GUTTER = "var(--color-background-layout-main-y4565g, Canvas)";
const BORDER = "var(--color-border-input-default-jtkw9d, GrayText)";
const FOCUS = "var(--color-border-item-focused-sewkzn, Highlight)";
const SELECTED = "var(--color-background-item-selected-dotkup, Highlight)";
const CONTAINER = "var(--color-background-container-content-mjfil9, Canvas)";

export const EDITOR_COLOURS = {
  property: "var(--color-text-link-default-qabnuk, LinkText)",
  text: "var(--color-text-status-success-1i2jf8, currentColor)",
  literal: "var(--color-text-status-warning-fabq6h, currentColor)",
};

export const EDITOR_THEME = EditorView.theme({
  "&": {
    color: TEXT,
    backgroundColor: BACKGROUND,
    border: `1px solid ${BORDER}`,
    borderRadius: "4px",
    fontSize: "13px",
    maxHeight: "min(60vh, 36rem)",
  },
  "&.cm-focused": { outline: `2px solid ${FOCUS}`, outlineOffset: "2px" },
  ".cm-scroller": { fontFamily: 'ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace', overflow: "auto" },
  ".cm-content": { minHeight: "8rem", caretColor: TEXT },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: TEXT },
  ".cm-gutters": { color: SECONDARY, backgroundColor: GUTTER, border: "none" },
  ".cm-activeLine": { backgroundColor: "transparent" },
  ".cm-activeLineGutter": { color: TEXT, backgroundColor: "transparent" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground, .cm-content ::selection": {
    backgroundColor: `${SELECTED} !important`,
  },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "transparent", outline: `1px solid ${FOCUS}` },
  ".cm-tooltip, .cm-panels": { color: TEXT, backgroundColor: CONTAINER, borderColor: BORDER },
  ".cm-foldPlaceholder": { color: SECONDARY, backgroundColor: GUTTER, borderColor: BORDER },
});
