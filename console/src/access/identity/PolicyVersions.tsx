import * as api from "@aws-sdk/client-iam";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useIam } from "../../api/iam";
import { ConfirmModal } from "../../components/ConfirmModal";
import { ErrorAlert } from "../../components/ErrorAlert";
import { FormModal } from "../../components/FormModal";
import { formatTime } from "../../components/format";
import { useNotices } from "../../components/Notifications";
import { PolicyEditor } from "../../components/policy/PolicyEditor";
import { usePolicyText } from "../../components/policy/usePolicyText";
import { versionsOf } from "../data/holdings";
import { documentText } from "../data/names";
import { useIamChanged } from "../data/queries";

interface Props {
  readonly arn: string;
  readonly defaultVersion: string;
  readonly editable: boolean;
}

const ignore = (): void => undefined;

/** The versions of a managed policy. A version never changes: an edit makes the next one. */
export function PolicyVersions({ arn, defaultVersion, editable }: Props) {
  const iam = useIam();
  const changed = useIamChanged();
  const notices = useNotices();
  const [chosen, setChosen] = useState<string>();
  const [open, setOpen] = useState<"edit" | "delete">();
  const shown = chosen ?? defaultVersion;
  const versions = useQuery({ queryKey: ["iam", "ListPolicyVersions", arn], queryFn: () => versionsOf(iam, arn) });
  const document = useQuery({
    queryKey: ["iam", "GetPolicyVersion", arn, shown],
    queryFn: async () => {
      const answer = await iam.send(new api.GetPolicyVersionCommand({ PolicyArn: arn, VersionId: shown }));
      return documentText(answer.PolicyVersion?.Document);
    },
  });
  const options = (versions.data ?? []).map(({ VersionId = "", IsDefaultVersion, CreateDate }) => ({
    value: VersionId,
    label: IsDefaultVersion ? `${VersionId} (default)` : VersionId,
    ...(CreateDate && { description: formatTime(CreateDate) }),
  }));
  const isDefault = shown === defaultVersion;
  const makeDefault = async (): Promise<void> => {
    try {
      await iam.send(new api.SetDefaultPolicyVersionCommand({ PolicyArn: arn, VersionId: shown }));
      notices.success(`${shown} is the default version now. It takes effect with the next request.`);
      await changed();
    } catch (error) {
      notices.failure(`${shown} cannot be made the default version`, error);
    }
  };
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="The default version is the one in force. At most five versions are kept."
          actions={
            editable && (
              <SpaceBetween direction="horizontal" size="xs">
                <Button disabled={isDefault} onClick={() => void makeDefault()}>
                  Make default
                </Button>
                <Button
                  disabled={isDefault}
                  disabledReason="The default version cannot be deleted. Make another the default first."
                  onClick={() => setOpen("delete")}
                >
                  Delete version
                </Button>
                <Button disabled={document.data === undefined} onClick={() => setOpen("edit")}>
                  Edit as new version
                </Button>
              </SpaceBetween>
            )
          }
        >
          Document
        </Header>
      }
    >
      <SpaceBetween size="m">
        <FormField label="Version">
          <Select
            selectedOption={options.find((option) => option.value === shown) ?? { value: shown, label: shown }}
            options={options}
            statusType={versions.isPending ? "loading" : versions.isError ? "error" : "finished"}
            errorText="The versions cannot be listed"
            onChange={({ detail }) => setChosen(detail.selectedOption.value)}
          />
        </FormField>
        {document.isPending && (
          <Box>
            <Spinner /> Loading the document
          </Box>
        )}
        {document.error && <ErrorAlert what="The document cannot be read" error={document.error} />}
        {document.data !== undefined && (
          <PolicyEditor label={`Document of ${shown}`} value={document.data} onChange={ignore} readOnly />
        )}
      </SpaceBetween>
      {open === "edit" && document.data !== undefined && (
        <NewVersion
          arn={arn}
          initial={document.data}
          onDone={(version) => {
            setOpen(undefined);
            setChosen(version);
          }}
        />
      )}
      {open === "delete" && (
        <ConfirmModal
          title={`Delete version ${shown}`}
          action="Delete"
          onDismiss={() => setOpen(undefined)}
          onConfirm={async () => {
            await iam.send(new api.DeletePolicyVersionCommand({ PolicyArn: arn, VersionId: shown }));
            setOpen(undefined);
            setChosen(undefined);
            notices.success(`Version ${shown} is deleted.`);
            await changed();
          }}
        >
          The text of this version is deleted. The default version, {defaultVersion}, stays in force.
        </ConfirmModal>
      )}
    </Container>
  );
}

interface NewProps {
  readonly arn: string;
  readonly initial: string;
  /** Called with the version that was made, or with nothing when none was. */
  readonly onDone: (version?: string) => void;
}

function NewVersion({ arn, initial, onDone }: NewProps) {
  const iam = useIam();
  const changed = useIamChanged();
  const notices = useNotices();
  const [asDefault, setAsDefault] = useState(true);
  const document = usePolicyText(initial);
  return (
    <FormModal
      title="New version"
      action="Save as new version"
      what="The version cannot be saved"
      size="large"
      disabled={!document.sendable}
      onDismiss={() => onDone()}
      onSubmit={async () => {
        const { PolicyVersion } = await document.send((PolicyDocument) =>
          iam.send(new api.CreatePolicyVersionCommand({ PolicyArn: arn, PolicyDocument, SetAsDefault: asDefault })),
        );
        notices.success(`Version ${PolicyVersion?.VersionId} is saved.`);
        onDone(PolicyVersion?.VersionId);
        await changed();
      }}
    >
      <PolicyEditor
        label="Policy document"
        value={document.text}
        onChange={document.setText}
        errors={document.problems}
        limit={6144}
      />
      <Checkbox checked={asDefault} onChange={({ detail }) => setAsDefault(detail.checked)}>
        Make it the default version: it takes effect with the next request
      </Checkbox>
    </FormModal>
  );
}
