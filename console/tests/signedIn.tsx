import "fake-indexeddb/auto";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { MemoryRouter } from "react-router";
import { setConfig } from "../src/api/config";
import { NotificationsProvider } from "../src/components/Notifications";
import { type Session, signIn } from "../src/session/session";
import { signingKey } from "../src/session/signingKey";

/** Sign in, without a service behind it. */
export async function signedIn(): Promise<Session> {
  setConfig({ apiUrl: "http://127.0.0.1:9", region: "us-east-1", account: "000000000001", version: "" });
  const session: Session = {
    credentials: { accessKeyId: "AKIA", key: await signingKey("secret") },
    identity: { arn: "arn:aws:iam::000000000001:user/one", account: "000000000001" },
  };
  await signIn(session);
  return session;
}

interface Client {
  readonly middlewareStack: { add(middleware: unknown, options: { readonly step: "initialize" }): void };
}

/** Let a session's client answer by operation instead of sending requests, by the SDK's own extension point. */
export function answers(client: object, operations: Readonly<Record<string, object>>): void {
  const middleware =
    (_: unknown, { commandName = "" }: { readonly commandName?: string }) =>
    async () => {
      const output = operations[commandName.replace(/Command$/, "")];
      if (output === undefined) throw Object.assign(new Error(commandName), { name: "InvalidAction" });
      return { output: { $metadata: {}, ...output }, response: {} };
    };
  (client as Client).middlewareStack.add(middleware, { step: "initialize" });
}

/** What is around every page. */
export function Frame({ children }: { readonly children: ReactNode }) {
  const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  return (
    <QueryClientProvider client={queries}>
      <MemoryRouter>
        <NotificationsProvider>{children}</NotificationsProvider>
      </MemoryRouter>
    </QueryClientProvider>
  );
}
