import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { ConfirmModal } from "../../components/ConfirmModal";
import { useChange } from "../data/use";
import { useWorld } from "../data/world";
import { dependentsOf } from "../dependents";
import { IdLink } from "../IdLink";
import { labelOf } from "../ids";
import type { Kind } from "./kind";

interface Props<Item> {
  readonly kind: Kind<Item>;
  readonly item: Item;
  readonly onDismiss: () => void;
  readonly onDone: () => void;
}

/** The dialog before a resource is deleted, as its type defines it. */
export function DeleteDialog<Item>(props: Props<Item>) {
  const Dialog = props.kind.remove?.Dialog;
  return Dialog === undefined ? <DeleteResource {...props} /> : <Dialog {...props} />;
}

/** The dialog before a resource is deleted. It lists what still uses it, which AWS's DependencyViolation does not. */
function DeleteResource<Item>({ kind, item, onDismiss, onDone }: Props<Item>) {
  const change = useChange();
  const { world, unread } = useWorld();
  const id = kind.idOf(item);
  const verb = kind.remove?.verb ?? "Delete";
  const forbidden = kind.remove?.forbidden?.(item);
  const dependents = dependentsOf(id, world);
  return (
    <ConfirmModal
      title={`${verb} ${kind.noun} ${id}?`}
      action={verb}
      onDismiss={onDismiss}
      onConfirm={async () => {
        await change(`${id} is deleted.`, async (ec2) => kind.remove?.act(ec2, item));
        onDone();
      }}
    >
      <SpaceBetween size="s">
        <Box>
          <bdi>{labelOf(id, kind.tagsOf(item))}</bdi> cannot be brought back. {kind.remove?.warning}
        </Box>
        {forbidden !== undefined && <Alert type="warning">{forbidden}</Alert>}
        {dependents.length > 0 && (
          <Alert type="warning" header="Something still uses it">
            Remove these first, or {verb.toLowerCase()} fails with DependencyViolation:
            <ul>
              {dependents.map((each) => (
                <li key={`${each.id} ${each.why}`}>
                  <IdLink id={each.id} /> {each.why}
                </li>
              ))}
            </ul>
          </Alert>
        )}
        {unread.length > 0 && (
          <Box color="text-body-secondary">This list may be incomplete: you may not call {unread.join(", ")}.</Box>
        )}
      </SpaceBetween>
    </ConfirmModal>
  );
}
