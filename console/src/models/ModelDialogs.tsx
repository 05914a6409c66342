import Box from "@cloudscape-design/components/box";
import { useQueryClient } from "@tanstack/react-query";
import { useComprehend } from "../api/comprehend";
import { ConfirmModal } from "../components/ConfirmModal";
import { useNotices } from "../components/Notifications";
import { deleteModel, stopTraining } from "./changes";
import { deletionWord, type Model } from "./model";

export type Dialog = "stop" | "delete";

interface Props {
  readonly dialog: Dialog | undefined;
  readonly model: Model | undefined;
  readonly onDismiss: () => void;
  readonly onDeleted?: () => void;
}

/** The dialogs that ask before a training is stopped or a model is deleted. */
export function ModelDialogs({ dialog, model, onDismiss, onDeleted }: Props) {
  const client = useComprehend();
  const queries = useQueryClient();
  const notices = useNotices();
  if (dialog === undefined || model === undefined) return null;
  const word = deletionWord(model);
  const done = async (text: string): Promise<void> => {
    onDismiss();
    notices.success(text);
    await queries.invalidateQueries({ queryKey: ["comprehend"] });
  };
  if (dialog === "stop") {
    return (
      <ConfirmModal
        title="Stop the training?"
        action="Stop training"
        onDismiss={onDismiss}
        onConfirm={async () => {
          await stopTraining(client, model);
          await done(`The training of ${word} is stopping.`);
        }}
      >
        <Box variant="p">
          A stopped training leaves no model. <b>{word}</b> stays in the list as stopped until it is deleted.
        </Box>
      </ConfirmModal>
    );
  }
  return (
    <ConfirmModal
      title="Delete the model?"
      action="Delete"
      typed={word}
      onDismiss={onDismiss}
      onConfirm={async () => {
        await deleteModel(client, model);
        await done(`${word} is being deleted.`);
        onDeleted?.();
      }}
    >
      <Box variant="p">
        <b>{word}</b> goes with what it learnt, its tags and its policy. This cannot be undone. Results of jobs that
        used it stay, and so do the other versions of the name.
      </Box>
    </ConfirmModal>
  );
}
