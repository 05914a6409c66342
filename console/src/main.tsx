import "@cloudscape-design/global-styles/index.css";
import "./app/page.css";
import { I18nProvider } from "@cloudscape-design/components/i18n";
import messages from "@cloudscape-design/components/i18n/messages/all.en";
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { loadConfig } from "./api/config";
import { isFinal } from "./api/errors";
import { App } from "./app/App";
import { startTheme } from "./app/theme";
import { NotificationsProvider } from "./components/Notifications";
import { leaveIfRefused } from "./session/end";
import { followOtherTabs, onForget, restoreSession } from "./session/session";

const queries = new QueryClient({
  queryCache: new QueryCache({ onError: (error) => void leaveIfRefused(error) }),
  mutationCache: new MutationCache({ onError: (error) => void leaveIfRefused(error) }),
  defaultOptions: {
    queries: {
      retry: (failures, error) => failures < 2 && !isFinal(error),
      staleTime: 2_000,
      refetchOnWindowFocus: true,
    },
    mutations: { retry: false },
  },
});
onForget(() => queries.clear());

async function start(root: HTMLElement): Promise<void> {
  startTheme();
  await loadConfig();
  followOtherTabs();
  await restoreSession();
  createRoot(root).render(
    <StrictMode>
      <I18nProvider locale="en" messages={[messages]}>
        <QueryClientProvider client={queries}>
          <BrowserRouter>
            <NotificationsProvider>
              <App />
            </NotificationsProvider>
          </BrowserRouter>
        </QueryClientProvider>
      </I18nProvider>
    </StrictMode>,
  );
}

const root = document.getElementById("root");
if (root !== null) {
  start(root).catch((error: unknown) => {
    root.textContent = `The console cannot start (${String(error)}). Check that the product runs, then reload the page.`;
  });
}
