import Flashbar, { type FlashbarProps } from "@cloudscape-design/components/flashbar";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { useLocation } from "react-router";
import { readError } from "../api/errors";

export interface Notices {
  readonly success: (content: ReactNode) => void;
  readonly info: (content: ReactNode) => void;
  /** Report a failure; ``what`` is the start of a sentence: "The bucket cannot be deleted". */
  readonly failure: (what: string, error: unknown) => void;
}

type Item = FlashbarProps.MessageDefinition & { readonly added: number };

const Context = createContext<Notices | undefined>(undefined);
const ItemsContext = createContext<readonly Item[]>([]);
const MOST = 5;
/** A notification just before a change of page belongs to the new page: "Job created", on the job's page. */
const SAME_STEP_MS = 2000;

/** Notifications stay above the page: failures until they are dismissed, others until the page changes. */
export function NotificationsProvider({ children }: { readonly children: ReactNode }) {
  const [items, setItems] = useState<readonly Item[]>([]);
  const { pathname } = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: it runs when the page changes
  useEffect(() => {
    const now = performance.now();
    setItems((known) => {
      const kept = known.filter((item) => item.type === "error" || now - item.added < SAME_STEP_MS);
      return kept.length === known.length ? known : kept;
    });
  }, [pathname]);
  const add = useCallback((type: "success" | "info" | "error", content: ReactNode, header?: string) => {
    const id = crypto.randomUUID();
    const onDismiss = (): void => setItems((known) => known.filter((item) => item.id !== id));
    const added = performance.now();
    const item = { id, type, content, header, dismissible: true, dismissLabel: "Dismiss", onDismiss, added };
    setItems((known) => [item, ...known].slice(0, MOST));
  }, []);
  const notices = useMemo<Notices>(
    () => ({
      success: (content) => add("success", content),
      info: (content) => add("info", content),
      failure: (what, error) => {
        const { code, message, advice } = readError(error);
        add("error", [message, advice].filter(Boolean).join(" "), `${what}: ${code}`);
      },
    }),
    [add],
  );
  return (
    <Context.Provider value={notices}>
      <ItemsContext.Provider value={items}>{children}</ItemsContext.Provider>
    </Context.Provider>
  );
}

export function useNotices(): Notices {
  const notices = useContext(Context);
  if (notices === undefined) throw new Error("there is no NotificationsProvider above");
  return notices;
}

export function Notifications() {
  return <Flashbar items={useContext(ItemsContext)} stackItems />;
}
