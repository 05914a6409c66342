import { useQuery } from "@tanstack/react-query";
import { useReadingRoom } from "../api/readingRoom";
import type { Profile } from "./profile";

export const PROFILES_KEY = ["reading-room", "ListPiiProfiles"];

/** The recall profiles of the account. */
export function useProfiles() {
  const call = useReadingRoom();
  return useQuery({
    queryKey: PROFILES_KEY,
    queryFn: async ({ signal }) =>
      (await call<{ PiiProfiles: readonly Profile[] }>("ListPiiProfiles", {}, signal)).PiiProfiles,
  });
}
