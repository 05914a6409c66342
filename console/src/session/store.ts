import type { Session } from "./session";

const DATABASE = "reading-room";
const TABLE = "session";
const ONLY = "current";

/** The session as this browser stores it, for other tabs and for reloads. */
export async function readStored(): Promise<unknown> {
  return await ask("readonly", (table) => table.get(ONLY));
}

/** Store a session. Its keys are stored as keys that cannot be extracted, so no file of the browser has their text. */
export async function writeStored(session: Session): Promise<void> {
  await ask("readwrite", (table) => table.put(session, ONLY));
}

export async function clearStored(): Promise<void> {
  await ask("readwrite", (table) => table.delete(ONLY));
}

async function ask<Result>(
  mode: IDBTransactionMode,
  act: (table: IDBObjectStore) => IDBRequest<Result>,
): Promise<Result> {
  const database = await open();
  try {
    return await new Promise<Result>((resolve, reject) => {
      const transaction = database.transaction(TABLE, mode);
      const request = act(transaction.objectStore(TABLE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = () => reject(transaction.error ?? request.error);
      transaction.onabort = () => reject(transaction.error ?? request.error);
    });
  } finally {
    database.close();
  }
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("another tab holds the console's database open"));
  });
}
