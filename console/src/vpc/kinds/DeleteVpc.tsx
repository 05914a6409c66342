import type { Vpc } from "@aws-sdk/client-ec2";
import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useState } from "react";
import { ConfirmModal } from "../../components/ConfirmModal";
import { counted } from "../../components/format";
import { useChange } from "../data/use";
import { useWorld } from "../data/world";
import { jobInterfacesOf, removalsOf, remove } from "../deletion";
import { IdLink } from "../IdLink";
import { labelOf } from "../ids";

interface Props {
  readonly item: Vpc;
  readonly onDismiss: () => void;
  readonly onDone: () => void;
}

/** The dialog before a VPC is deleted. It first lists everything that is deleted with it. */
export function DeleteVpc({ item, onDismiss, onDone }: Props) {
  const change = useChange();
  const { world, unread, isPending } = useWorld();
  const [done, setDone] = useState<number>();
  const id = item.VpcId ?? "";
  const busy = jobInterfacesOf(id, world);
  const removals = removalsOf(id, world);
  const inside = removals.slice(0, -1);
  return (
    <ConfirmModal
      title={inside.length === 0 ? `Delete VPC ${id}?` : `Delete VPC ${id} and everything in it?`}
      action={inside.length === 0 ? "Delete" : `Delete all ${removals.length}`}
      {...(inside.length > 0 && { typed: id })}
      disabled={isPending || busy.length > 0}
      onDismiss={onDismiss}
      onConfirm={async () => {
        await change(`${id} is deleted, with everything in it.`, (ec2) => remove(ec2, removals, setDone));
        onDone();
      }}
    >
      <SpaceBetween size="s">
        <Box>
          <bdi>{labelOf(id, item.Tags)}</bdi> cannot be brought back. Its main route table and default security group go
          with it. Objects in buckets, results and logs stay.
        </Box>
        {busy.length > 0 && (
          <Alert type="error" header="A job still runs in it">
            Stop the job, or wait for its end. Its network interfaces:{" "}
            {busy.map((each) => (
              <span key={each}>
                <IdLink id={each} />{" "}
              </span>
            ))}
          </Alert>
        )}
        {inside.length > 0 && (
          <Alert type="warning" header={`${counted(inside.length, "resource")} in it will be deleted as well`}>
            <ul>
              {inside.map((each) => (
                <li key={each.id}>
                  {each.what} <IdLink id={each.id} />
                </li>
              ))}
            </ul>
          </Alert>
        )}
        {unread.length > 0 && (
          <Box color="text-body-secondary">This list may be incomplete: you may not call {unread.join(", ")}.</Box>
        )}
        <div aria-live="polite">
          {done !== undefined &&
            `Deleting ${removals[done]?.what} ${removals[done]?.id}, ${done + 1} of ${removals.length}`}
        </div>
      </SpaceBetween>
    </ConfirmModal>
  );
}
