import Alert from "@cloudscape-design/components/alert";
import AppLayout from "@cloudscape-design/components/app-layout";
import Box from "@cloudscape-design/components/box";
import ErrorBoundary from "@cloudscape-design/components/error-boundary";
import Spinner from "@cloudscape-design/components/spinner";
import { Suspense } from "react";
import { Route, Routes, useLocation } from "react-router";
import { Notifications } from "../components/Notifications";
import { useSessionEnd } from "../session/end";
import { SignInPage } from "../session/SignInPage";
import { useSession, useStoreFailure } from "../session/session";
import { NotFoundPage } from "./NotFoundPage";
import { Navigation } from "./navigation";
import { isWide, PAGES } from "./routes";
import { TopBar } from "./TopBar";

/** The frame around every page. Who is not signed in sees the sign-in page, whatever the address; it stays. */
export function App() {
  const session = useSession();
  const { pathname } = useLocation();
  const signingIn = session === undefined || pathname === "/sign-in";
  useSessionEnd();
  return (
    <>
      <div id="top-bar">
        <TopBar />
      </div>
      <AppLayout
        headerSelector="#top-bar"
        toolsHide
        {...(session !== undefined && isWide(pathname) && { maxContentWidth: Number.MAX_VALUE })}
        navigationHide={session === undefined}
        navigation={<Navigation />}
        notifications={
          <>
            <Notifications />
            <StoreFailure />
          </>
        }
        content={
          signingIn ? (
            <SignInPage />
          ) : (
            // What breaks one page leaves the frame and the other pages as they are.
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
          )
        }
      />
    </>
  );
}

/** Says that the browser keeps no session, such as in a private window: nobody needs to wonder after a reload. */
function StoreFailure() {
  const failure = useStoreFailure();
  if (failure === undefined) return null;
  return (
    <Alert type="warning" header="This browser does not keep your sign-in">
      It could not be stored or removed ({String(failure)}). Other tabs do not share it, and a reload of the page may
      ask for the key again.
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
      <Box variant="h1">This page broke</Box>
      <Box variant="p">
        Reload it. If it breaks again, the console and the server may be of different versions: reload with the cache
        emptied. Nothing that runs is harmed.
      </Box>
    </Box>
  );
}
