import "./code.css";
import CopyToClipboard from "@cloudscape-design/components/copy-to-clipboard";
import SpaceBetween from "@cloudscape-design/components/space-between";

interface Props {
  /** The accessible name: "The request for the AWS CLI". */
  readonly label: string;
  readonly code: string;
}

/** Text to copy into a terminal or a file as it is. */
export function CodeBlock({ label, code }: Props) {
  return (
    <SpaceBetween size="xs">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard. */}
      <section className="create-code" tabIndex={0} aria-label={label}>
        <pre dir="ltr">{code}</pre>
      </section>
      <CopyToClipboard
        copyButtonText="Copy"
        copyButtonAriaLabel={`Copy: ${label}`}
        copySuccessText="Copied"
        copyErrorText="The browser did not allow copying: select the text and copy it."
        textToCopy={code}
      />
    </SpaceBetween>
  );
}
