import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";

/** Says that the form has the values with which it was left, and lets the user discard them. */
export function LeftDraft({ onDiscard }: { readonly onDiscard: () => void }) {
  return (
    <Alert
      type="info"
      header="This is the form as you left it"
      action={
        <Button formAction="none" onClick={onDiscard}>
          Discard and start again
        </Button>
      }
    >
      It was not sent. It is kept until you send it, cancel it, or sign out.
    </Alert>
  );
}
