import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { getConfig } from "../../api/config";
import { useEc2 } from "../../api/ec2";
import { useIam } from "../../api/iam";
import { FormModal } from "../../components/FormModal";
import { useSignedIn } from "../../session/session";
import { CodeBlock } from "./CodeBlock";
import { addMissing, type Change, described } from "./changes";

interface Props {
  readonly changes: readonly Change[];
  /** The buckets of the request: a new endpoint gives access only to them. */
  readonly buckets: readonly string[];
  readonly onAdded: () => void;
}

/** Adds what a check found missing, after showing it to the user. */
export function AddMissing({ changes, buckets, onAdded }: Props) {
  const ec2 = useEc2();
  const iam = useIam();
  const queries = useQueryClient();
  const { account } = useSignedIn().identity;
  const [open, setOpen] = useState(false);
  const target = { ec2, iam, account, region: getConfig().region, buckets };
  return (
    <>
      <Button formAction="none" onClick={() => setOpen(true)}>
        Add what is missing
      </Button>
      {open && (
        <FormModal
          title="Add what is missing?"
          action="Add"
          what="Not everything was added"
          size="large"
          onDismiss={() => setOpen(false)}
          onSubmit={async () => {
            try {
              await addMissing(changes, target);
            } finally {
              // Show what was added before the failure, too.
              await Promise.all(["ec2", "iam"].map((service) => queries.invalidateQueries({ queryKey: [service] })));
              onAdded();
            }
            setOpen(false);
          }}
        >
          <Box>This is added with your own permissions. Nothing existing is removed.</Box>
          <SpaceBetween size="m">
            {changes.map((change) => {
              const { words, code } = described(change, target);
              return (
                <SpaceBetween key={`${change.Operation} ${change.Request} ${change.Statement}`} size="xxs">
                  <Box fontWeight="bold">{words}</Box>
                  <CodeBlock label={words} code={code} />
                </SpaceBetween>
              );
            })}
          </SpaceBetween>
        </FormModal>
      )}
    </>
  );
}
