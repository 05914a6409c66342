import * as api from "@aws-sdk/client-iam";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Header from "@cloudscape-design/components/header";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useIam } from "../../api/iam";
import { ErrorAlert } from "../../components/ErrorAlert";
import { useNotices } from "../../components/Notifications";
import { PolicyEditor } from "../../components/policy/PolicyEditor";
import { usePolicyText } from "../../components/policy/usePolicyText";
import { useAttempt } from "../../components/useAttempt";
import { useIamChanged } from "../data/queries";

/** Who may assume a role. */
export function TrustPolicy({ roleName, text }: { readonly roleName: string; readonly text: string }) {
  const iam = useIam();
  const changed = useIamChanged();
  const notices = useNotices();
  const document = usePolicyText(text);
  const { busy, error, attempt } = useAttempt();
  const save = (): Promise<void> =>
    attempt(async () => {
      await document.send((PolicyDocument) =>
        iam.send(new api.UpdateAssumeRolePolicyCommand({ RoleName: roleName, PolicyDocument })),
      );
      notices.success(`The trust policy of ${roleName} is saved. It takes effect with the next request.`);
      await changed();
    });
  return (
    <Container
      header={
        <Header
          variant="h2"
          description="Who may assume the role: a service such as comprehend.amazonaws.com, or users and roles."
          actions={
            <SpaceBetween direction="horizontal" size="xs">
              <Button disabled={document.text === text} onClick={() => document.setText(text)}>
                Discard
              </Button>
              <Button
                disabled={document.text === text || !document.sendable}
                loading={busy}
                onClick={() => void save()}
              >
                Save trust policy
              </Button>
            </SpaceBetween>
          }
        >
          Trust policy
        </Header>
      }
    >
      <SpaceBetween size="m">
        <PolicyEditor
          label="Trust policy document"
          value={document.text}
          onChange={document.setText}
          errors={document.problems}
          limit={2048}
        />
        {error !== undefined && <ErrorAlert what="The trust policy cannot be saved" error={error} />}
      </SpaceBetween>
    </Container>
  );
}
