import { useEffect } from "react";
import { leave } from "./leave";
import { IDLE_MILLISECONDS, isExpired, useSession } from "./session";

const LOOK_MILLISECONDS = 5_000;
const SIGNS_OF_LIFE = ["pointerdown", "pointermove", "keydown", "scroll", "touchstart"] as const;

/** Sign out when nobody is there any more, or when the credentials are over. */
export function useSessionEnd(): void {
  const session = useSession();
  useEffect(() => {
    if (session === undefined) return;
    let seen = Date.now();
    const see = (): void => {
      seen = Date.now();
    };
    const look = (): void => {
      if (isExpired(session)) void leave("expired");
      else if (Date.now() - seen >= IDLE_MILLISECONDS) void leave("idle");
    };
    for (const sign of SIGNS_OF_LIFE) window.addEventListener(sign, see, { passive: true });
    const timer = window.setInterval(look, LOOK_MILLISECONDS);
    return () => {
      for (const sign of SIGNS_OF_LIFE) window.removeEventListener(sign, see);
      window.clearInterval(timer);
    };
  }, [session]);
}
