import Box from "@cloudscape-design/components/box";
import Checkbox from "@cloudscape-design/components/checkbox";
import Spinner from "@cloudscape-design/components/spinner";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useNavigate } from "react-router";
import { ConfirmModal } from "../../components/ConfirmModal";
import { ErrorAlert } from "../../components/ErrorAlert";
import { counted } from "../../components/format";
import { useNotices } from "../../components/Notifications";
import type { Holding } from "../data/holdings";
import { type ListType, NOUN } from "../data/names";
import { useIamChanged } from "../data/queries";

interface Props {
  readonly type: ListType;
  readonly name: string;
  readonly find: () => Promise<Holding[]>;
  readonly remove: (holdings: readonly Holding[]) => Promise<void>;
  readonly onDismiss: () => void;
}

/** Delete an identity or policy. What must be removed first is listed, and is removed only if the user agrees. */
export function DeleteIdentity({ type, name, find, remove, onDismiss }: Props) {
  const navigate = useNavigate();
  const changed = useIamChanged();
  const notices = useNotices();
  const [agreed, setAgreed] = useState(false);
  // The key does not begin with "iam": otherwise the changes would make it read the holdings of a deleted identity.
  const holdings = useQuery({ queryKey: ["iam-holdings", type, name], staleTime: 0, gcTime: 0, queryFn: find });
  const held = holdings.data ?? [];
  return (
    <ConfirmModal
      title={`Delete ${NOUN[type]} ${name}`}
      action="Delete"
      typed={name}
      onDismiss={onDismiss}
      onConfirm={async () => {
        if (holdings.data === undefined) throw new Error("What must be removed first is not known yet. Wait a moment.");
        if (held.length > 0 && !agreed)
          throw new Error("Choose to remove what is listed, or remove it yourself first.");
        await remove(held);
        notices.success(`The ${NOUN[type]} ${name} is deleted.`);
        navigate(`/access/${type}`);
        await changed();
      }}
    >
      <Box variant="p">This cannot be undone. One that is created later with the same name is a different one.</Box>
      {holdings.isPending && (
        <Box>
          <Spinner /> Looking what it holds
        </Box>
      )}
      {holdings.error && <ErrorAlert what="What must be removed first cannot be read" error={holdings.error} />}
      {held.length > 0 && (
        <>
          <Box variant="p">{counted(held.length, "thing has", "things have")} to be removed first:</Box>
          <ul>
            {held.map((holding) => (
              <li key={holding.text}>{holding.text}</li>
            ))}
          </ul>
          <Checkbox checked={agreed} onChange={({ detail }) => setAgreed(detail.checked)}>
            Remove these, then delete the {NOUN[type]}
          </Checkbox>
        </>
      )}
    </ConfirmModal>
  );
}
