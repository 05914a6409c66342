import Alert from "@cloudscape-design/components/alert";
import AppLayout from "@cloudscape-design/components/app-layout";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import ErrorBoundary from "@cloudscape-design/components/error-boundary";
import Spinner from "@cloudscape-design/components/spinner";
import { Suspense, useEffect, useState } from "react";
import { Route, Routes, useLocation, useNavigationType } from "react-router";
import { Notifications } from "../components/Notifications";
import { retryAll, useIsWaiting } from "../components/unreachable";
import { useSessionEnd } from "../session/end";
import { SignInPage } from "../session/SignInPage";
import { useSession, useStoreFailure } from "../session/session";
import { NotFoundPage } from "./NotFoundPage";
import { Navigation } from "./navigation";
import { isWide, PAGES } from "./routes";
import { TopBar } from "./TopBar";

/** Whether the navigation has room beside the page. Narrower pages have it in a drawer, which begins closed. */
const hasRoom = window.matchMedia("(min-width: 689px)");

/** The frame around every page. Without a session it shows the sign-in page at any address, and keeps the address. */
export function App() {
  const session = useSession();
  const { pathname } = useLocation();
  const signingIn = session === undefined || pathname === "/sign-in";
  // AppLayout itself would leave the navigation closed if the session is found only after the first drawing.
  const [navigationOpen, setNavigationOpen] = useState(hasRoom.matches);
  useSessionEnd();
  useTopOfPage();
  return (
    <>
      <a className="skip-link" href="#content">
        Skip to the content
      </a>
      <div id="top-bar">
        <TopBar />
      </div>
      <AppLayout
        headerSelector="#top-bar"
        toolsHide
        {...(session !== undefined && isWide(pathname) && { maxContentWidth: Number.MAX_VALUE })}
        navigationHide={session === undefined}
        navigation={<Navigation />}
        navigationOpen={navigationOpen}
        onNavigationChange={({ detail }) => setNavigationOpen(detail.open)}
        notifications={
          <>
            <Notifications />
            <StoreFailure />
            <Unreachable />
          </>
        }
        content={
          <div id="content" tabIndex={-1}>
            {signingIn ? (
              <SignInPage />
            ) : (
              // An error in one page leaves the frame and the other pages as they are.
              <ErrorBoundary key={pathname} renderFallback={() => <PageBroke />} onError={() => undefined}>
                <Suspense fallback={<Loading />}>
                  <Routes key={session.identity.arn}>
                    {PAGES.map(({ path, Component }) => (
                      <Route key={path} path={path} element={<Component />} />
                    ))}
                    <Route path="*" element={<NotFoundPage />} />
                  </Routes>
                </Suspense>
              </ErrorBoundary>
            )}
          </div>
        }
      />
    </>
  );
}

/** Scroll to the top of a new page; going back restores the position. */
function useTopOfPage(): void {
  const { pathname } = useLocation();
  const type = useNavigationType();
  // biome-ignore lint/correctness/useExhaustiveDependencies: it runs when the page changes.
  useEffect(() => {
    if (type !== "POP") window.scrollTo(0, 0);
  }, [pathname]);
}

/** Says once that the service does not answer, however many parts of the page wait for it. */
function Unreachable() {
  if (!useIsWaiting()) return null;
  return (
    <Alert
      type="error"
      header="The service does not answer"
      action={<Button onClick={retryAll}>Try again</Button>}
      data-testid="unreachable"
    >
      Check that it runs: <code>reading-room up</code> prints its address. What is shown may be out of date.
    </Alert>
  );
}

/** Says that the browser does not store the session, as in a private window, which explains a sign-out at a reload. */
function StoreFailure() {
  const failure = useStoreFailure();
  if (failure === undefined) return null;
  return (
    <Alert type="warning" header="This browser does not keep your sign-in">
      It could not be stored or removed ({String(failure)}). Other tabs do not share it, and reloading the page may ask
      for the key again.
    </Alert>
  );
}

function Loading() {
  return (
    <Box textAlign="center" padding="xxl">
      <Spinner size="large" /> <span>Loading</span>
    </Box>
  );
}

function PageBroke() {
  return (
    <Box padding="l">
      <Box variant="h1">This page has failed</Box>
      <Box variant="p">
        Reload it. If it fails again, the console and the server may have different versions: reload with the cache
        emptied. Jobs that run are not affected.
      </Box>
    </Box>
  );
}
