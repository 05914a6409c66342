import { DeleteFlywheelCommand, UpdateFlywheelCommand } from "@aws-sdk/client-comprehend";
import Box from "@cloudscape-design/components/box";
import { useQueryClient } from "@tanstack/react-query";
import { useComprehend } from "../api/comprehend";
import { ConfirmModal } from "../components/ConfirmModal";
import { useNotices } from "../components/Notifications";
import { modelWords } from "../endpoints/endpoint";
import type { Flywheel } from "./flywheel";

interface DeleteProps {
  readonly flywheel: Flywheel;
  readonly onDismiss: () => void;
  readonly onDeleted?: () => void;
}

/** The dialog that deletes a flywheel. */
export function DeleteFlywheel({ flywheel, onDismiss, onDeleted }: DeleteProps) {
  const client = useComprehend();
  const done = useDone(onDismiss);
  return (
    <ConfirmModal
      title="Delete the flywheel?"
      action="Delete"
      typed={flywheel.name}
      onDismiss={onDismiss}
      onConfirm={async () => {
        await client.send(new DeleteFlywheelCommand({ FlywheelArn: flywheel.arn }));
        await done(`The flywheel ${flywheel.name} is being deleted.`);
        onDeleted?.();
      }}
    >
      <Box variant="p">
        Its datasets and the history of its iterations go with <b>{flywheel.name}</b>. Its models stay, and so does
        everything in its bucket.
      </Box>
    </ConfirmModal>
  );
}

interface ActivateProps {
  readonly flywheel: Flywheel;
  /** The ARN of the model that becomes the active one. */
  readonly model: string;
  readonly onDismiss: () => void;
}

/** The dialog that makes another model the active one. */
export function ActivateModel({ flywheel, model, onDismiss }: ActivateProps) {
  const client = useComprehend();
  const done = useDone(onDismiss);
  return (
    <ConfirmModal
      title="Make this model the active one?"
      action="Make active"
      onDismiss={onDismiss}
      onConfirm={async () => {
        await client.send(new UpdateFlywheelCommand({ FlywheelArn: flywheel.arn, ActiveModelArn: model }));
        await done(`${modelWords(model)} is the active model.`);
      }}
    >
      <Box variant="p">
        New jobs of <b>{flywheel.name}</b> use <b>{modelWords(model)}</b>. Its endpoints change to it too, without a
        failed call.
      </Box>
    </ConfirmModal>
  );
}

/** Close a dialog, say what happens, and read the flywheels again. */
function useDone(onDismiss: () => void): (text: string) => Promise<void> {
  const notices = useNotices();
  const queries = useQueryClient();
  return async (text) => {
    onDismiss();
    notices.success(text);
    await queries.invalidateQueries({ queryKey: ["comprehend"] });
  };
}
