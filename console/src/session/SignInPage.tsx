import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
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
import { RouterButton } from "../components/RouterButton";
import { useAttempt } from "../components/useAttempt";
import { enter, enterByToken } from "./enter";
import { type SignOutReason, signedOutBecause, useEndFailure, useSession } from "./session";

const REASONS: Readonly<Record<SignOutReason, string>> = {
  requested: "You are signed out, in every tab. The browser has deleted the key and everything that was shown.",
  expired: "You were signed out because the credentials have expired. Sign in again.",
  refused: "You were signed out because the server does not accept these credentials any more. Sign in again.",
};

/** Shown instead of any page while there is no session, and for sign-in links; the address is opened afterwards. */
export function SignInPage() {
  const { pathname, hash } = useLocation();
  const navigate = useNavigate();
  const session = useSession();
  const [token] = useState(pathname === "/sign-in" ? hash.slice(1) : "");
  // Somebody else's link must not replace the current user's session without asking.
  const [agreed, setAgreed] = useState(session === undefined);
  const [failure, setFailure] = useState<unknown>();
  const enterAt = pathname === "/sign-in" ? "/" : undefined;
  useEffect(() => {
    // The token must not stay in the address bar or the history.
    if (token !== "") navigate("/sign-in", { replace: true });
  }, [token, navigate]);
  useEffect(() => {
    if (token === "" || !agreed) return;
    redeem(token)
      .then(() => navigate("/", { replace: true }))
      .catch(setFailure);
  }, [token, agreed, navigate]);
  const why = signedOutBecause();
  const endFailure = useEndFailure();
  return (
    <Page title="Sign in" description="The console signs its requests with your key, as the AWS CLI does.">
      {why !== undefined && session === undefined && <Alert type="info">{REASONS[why]}</Alert>}
      {endFailure !== undefined && (
        <ErrorAlert
          what="The server did not end the sign-in, which stays valid until its 12 hours are over"
          error={endFailure}
        />
      )}
      {session !== undefined && (
        <Alert
          type="info"
          header={`You are signed in as ${session.identity.arn}`}
          action={<RouterButton to="/">Keep this session</RouterButton>}
        >
          {token !== "" && !agreed ? (
            <SpaceBetween size="s">
              <span>The link signs in the user who made it, and signs you out here. Use it only if you made it.</span>
              <Button onClick={() => setAgreed(true)}>Sign in with the link</Button>
            </SpaceBetween>
          ) : (
            "Signing in as another user signs you out here."
          )}
        </Alert>
      )}
      {token !== "" && agreed && failure === undefined ? (
        <Container>
          <Spinner /> Signing in by the link
        </Container>
      ) : (
        <>
          {failure !== undefined && <LinkFailed error={failure} />}
          <KeyForm onEntered={() => enterAt !== undefined && navigate(enterAt, { replace: true })} />
        </>
      )}
    </Page>
  );
}

// A link works once, and React's development mode runs effects twice.
const redeemed = new Map<string, Promise<void>>();

function redeem(token: string): Promise<void> {
  const running = redeemed.get(token) ?? enterByToken(token);
  redeemed.set(token, running);
  return running;
}

function LinkFailed({ error }: { readonly error: unknown }) {
  return (
    <SpaceBetween size="s">
      <ErrorAlert what="Signing in with the link failed" error={error} />
      <Alert type="info">
        A link works once, within a minute. <code>reading-room console</code> prints another one.
      </Alert>
    </SpaceBetween>
  );
}

function KeyForm({ onEntered }: { readonly onEntered: () => void }) {
  const [id, setId] = useState("");
  const [secret, setSecret] = useState("");
  const [sessionToken, setSessionToken] = useState("");
  const { busy, error, attempt } = useAttempt();
  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    await attempt(async () => {
      const credentials = {
        accessKeyId: id.trim(),
        secretAccessKey: secret.trim(),
        sessionToken: sessionToken.trim() || undefined,
      };
      await enter(credentials);
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
            <FormField label="Session token" description="Only for temporary credentials.">
              <Input
                type="password"
                value={sessionToken}
                onChange={({ detail }) => setSessionToken(detail.value)}
                autoComplete="off"
              />
            </FormField>
            <Box color="text-body-secondary">
              You stay signed in, in every tab of this browser, until you sign out or the credentials expire. The
              browser keeps the secret as a key that cannot be read.
            </Box>
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
