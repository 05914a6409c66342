import Flashbar, { type FlashbarProps } from "@cloudscape-design/components/flashbar";
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from "react";
import { readError } from "../api/errors";

export interface Notices {
  readonly success: (content: ReactNode) => void;
  readonly info: (content: ReactNode) => void;
  /** Say that something asked for failed; ``what`` is a sentence's start: "The bucket cannot be deleted". */
  readonly failure: (what: string, error: unknown) => void;
}

const Context = createContext<Notices | undefined>(undefined);
const ItemsContext = createContext<readonly FlashbarProps.MessageDefinition[]>([]);
const MOST = 5;

/** What happened stays on the page, above whatever page is shown, until it is dismissed. */
export function NotificationsProvider({ children }: { readonly children: ReactNode }) {
  const [items, setItems] = useState<readonly FlashbarProps.MessageDefinition[]>([]);
  const add = useCallback((type: "success" | "info" | "error", content: ReactNode, header?: string) => {
    const id = crypto.randomUUID();
    const onDismiss = (): void => setItems((known) => known.filter((item) => item.id !== id));
    const item = { id, type, content, header, dismissible: true, dismissLabel: "Dismiss", onDismiss };
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
  if (notices === undefined) throw new Error("no NotificationsProvider above");
  return notices;
}

export function Notifications() {
  return <Flashbar items={useContext(ItemsContext)} stackItems />;
}
