import { AssumeRoleCommand } from "@aws-sdk/client-sts";
import Button from "@cloudscape-design/components/button";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import Select from "@cloudscape-design/components/select";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { type FormEvent, useState } from "react";
import { useNavigate } from "react-router";
import { useSts } from "../api/sts";
import { ErrorAlert } from "../components/ErrorAlert";
import { Page } from "../components/Page";
import { useAttempt } from "../components/useAttempt";
import { enter } from "./enter";
import { defaultSessionName, roleArnProblem } from "./roles";
import { useSignedIn } from "./session";

const HOURS = [1, 2, 4, 8, 12].map((hours) => ({ value: String(hours * 3600), label: `${hours} h` }));

/** Assume a role: the console then shows and changes what the role may. */
export default function AssumeRolePage() {
  const session = useSignedIn();
  const sts = useSts();
  const navigate = useNavigate();
  const [arn, setArn] = useState("");
  const [name, setName] = useState(defaultSessionName(session.identity.arn));
  const [externalId, setExternalId] = useState("");
  const [seconds, setSeconds] = useState("3600");
  const { busy, error, attempt } = useAttempt();
  const problem = roleArnProblem(arn);
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    await attempt(async () => {
      const answer = await sts.send(
        new AssumeRoleCommand({
          RoleArn: arn.trim(),
          RoleSessionName: name,
          DurationSeconds: Number(seconds),
          ExternalId: externalId || undefined,
        }),
      );
      const given = answer.Credentials;
      if (given?.AccessKeyId === undefined || given.SecretAccessKey === undefined) {
        throw new Error("AssumeRole answered without credentials");
      }
      const credentials = {
        accessKeyId: given.AccessKeyId,
        secretAccessKey: given.SecretAccessKey,
        sessionToken: given.SessionToken,
        expiration: given.Expiration?.getTime(),
      };
      await enter(credentials, { from: session });
      navigate("/");
    });
  };
  return (
    <Page
      title="Assume a role"
      description="Continue with a role's permissions. The menu with your name switches back."
    >
      <form onSubmit={(event) => void submit(event)}>
        <Form
          actions={
            <Button
              variant="primary"
              formAction="submit"
              loading={busy}
              disabled={arn === "" || problem !== undefined || name === ""}
            >
              Assume role
            </Button>
          }
        >
          <Container>
            <SpaceBetween size="m">
              {error !== undefined && <ErrorAlert what="The role cannot be assumed" error={error} />}
              <FormField
                label="Role ARN"
                constraintText={`For example arn:aws:iam::${session.identity.account}:role/auditor`}
                errorText={arn === "" ? undefined : problem}
              >
                <Input value={arn} onChange={({ detail }) => setArn(detail.value)} spellcheck={false} />
              </FormField>
              <FormField
                label="Session name"
                constraintText="2 to 64 characters; the trail records it with your calls."
              >
                <Input value={name} onChange={({ detail }) => setName(detail.value)} spellcheck={false} />
              </FormField>
              <FormField label="External ID" description="Only if the role's trust policy requires one.">
                <Input value={externalId} onChange={({ detail }) => setExternalId(detail.value)} autoComplete={false} />
              </FormField>
              <FormField label="Duration">
                <Select
                  options={HOURS}
                  selectedOption={HOURS.find((option) => option.value === seconds) ?? null}
                  onChange={({ detail }) => setSeconds(detail.selectedOption.value ?? "3600")}
                />
              </FormField>
            </SpaceBetween>
          </Container>
        </Form>
      </form>
    </Page>
  );
}
