import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";

/** Says that a form is not empty because it was left so, and takes it away. */
export function LeftDraft({ onDiscard }: { readonly onDiscard: () => void }) {
  return (
    <Alert
      type="info"
      header="This is the form as you left it"
      action={
        <Button formAction="none" onClick={onDiscard}>
          Discard and start anew
        </Button>
      }
    >
      Nothing of it was sent. It is kept until you send it, cancel it, or sign out.
    </Alert>
  );
}
