import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import Checkbox from "@cloudscape-design/components/checkbox";
import Container from "@cloudscape-design/components/container";
import Form from "@cloudscape-design/components/form";
import FormField from "@cloudscape-design/components/form-field";
import Header from "@cloudscape-design/components/header";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import Spinner from "@cloudscape-design/components/spinner";
import { type FormEvent, useEffect, useState } from "react";
import { useLocation, useNavigate } from "react-router";
import { hasCode } from "../api/errors";
import { ErrorAlert } from "../components/ErrorAlert";
import { Page } from "../components/Page";
import { useAttempt } from "../components/useAttempt";
import { enter, enterByToken } from "./enter";
import { type SignOutReason, signedOutBecause, useEndFailure } from "./session";

const REASONS: Readonly<Record<SignOutReason, string>> = {
  asked: "You are signed out. This page has forgotten the keys and everything it showed.",
  idle: "You were signed out after half an hour without a sign of life.",
  expired: "The session's credentials are over. Sign in again.",
};

/** Shown instead of any page while there is no session; the address stays, so that it leads on afterwards. */
export function SignInPage() {
  const { pathname, hash } = useLocation();
  const navigate = useNavigate();
  const [token] = useState(pathname === "/sign-in" ? hash.slice(1) : "");
  const [failure, setFailure] = useState<unknown>();
  useEffect(() => {
    if (token === "") return;
    // The token must not stay in the address bar or the history: it is spent now, whatever comes of it.
    navigate("/", { replace: true });
    redeem(token).catch(setFailure);
  }, [token, navigate]);
  const why = signedOutBecause();
  const endFailure = useEndFailure();
  return (
    <Page title="Sign in" description="The console signs its requests with your key, as the AWS CLI does.">
      {why !== undefined && <Alert type="info">{REASONS[why]}</Alert>}
      {endFailure !== undefined && (
        <ErrorAlert
          what="The server did not end the session, which is good until its 12 hours are over"
          error={endFailure}
        />
      )}
      {token !== "" && failure === undefined ? (
        <Container>
          <Spinner /> Signing in by the link
        </Container>
      ) : (
        <>
          {failure !== undefined && <LinkFailed error={failure} />}
          <KeyForm onEntered={() => pathname === "/sign-in" && navigate("/", { replace: true })} />
        </>
      )}
    </Page>
  );
}

// A link works once, and React's development mode runs effects twice.
const redeemed = new Map<string, Promise<void>>();

function redeem(token: string): Promise<void> {
  const running = redeemed.get(token) ?? enterByToken(token, false);
  redeemed.set(token, running);
  return running;
}

function LinkFailed({ error }: { readonly error: unknown }) {
  return (
    <SpaceBetween size="s">
      <ErrorAlert what="The link does not sign in" error={error} />
      <Alert type="info">
        A link works once, and for a minute. <code>reading-room console</code> prints another one.
      </Alert>
    </SpaceBetween>
  );
}

function KeyForm({ onEntered }: { readonly onEntered: () => void }) {
  const [id, setId] = useState("");
  const [secret, setSecret] = useState("");
  const [sessionToken, setSessionToken] = useState("");
  const [kept, setKept] = useState(false);
  const { busy, error, attempt } = useAttempt();
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    await attempt(async () => {
      const credentials = {
        accessKeyId: id.trim(),
        secretAccessKey: secret.trim(),
        sessionToken: sessionToken.trim() || undefined,
      };
      await enter(credentials, kept);
      onEntered();
    });
  };
  const complete = id.trim() !== "" && secret.trim() !== "";
  return (
    <form onSubmit={(event) => void submit(event)}>
      <Form
        actions={
          <Button variant="primary" formAction="submit" loading={busy} disabled={!complete}>
            Sign in
          </Button>
        }
      >
        <Container header={<Header variant="h2">Access key</Header>}>
          <SpaceBetween size="m">
            {error !== undefined && <ErrorAlert what={whatFailed(error)} error={error} />}
            <FormField
              label="Access key ID"
              description="The first administrator's is in the file credentials of the data folder."
            >
              <Input
                value={id}
                onChange={({ detail }) => setId(detail.value)}
                autoComplete="username"
                spellcheck={false}
              />
            </FormField>
            <FormField label="Secret access key">
              <Input
                type="password"
                value={secret}
                onChange={({ detail }) => setSecret(detail.value)}
                autoComplete="off"
              />
            </FormField>
            <FormField label="Session token" description="Of temporary credentials only.">
              <Input
                type="password"
                value={sessionToken}
                onChange={({ detail }) => setSessionToken(detail.value)}
                autoComplete="off"
              />
            </FormField>
            <Checkbox
              checked={kept}
              onChange={({ detail }) => setKept(detail.checked)}
              description="Otherwise the keys are in this page's memory alone, and a reload asks for them again."
            >
              Keep me signed in in this tab
            </Checkbox>
          </SpaceBetween>
        </Container>
      </Form>
    </form>
  );
}

function whatFailed(error: unknown): string {
  const wrongKey = hasCode(error, "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch");
  return wrongKey ? "The key is not accepted" : "Signing in failed";
}
