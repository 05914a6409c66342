import { useQuery } from "@tanstack/react-query";
import { hasCode } from "../../api/errors";

/** A setting of a bucket; null, rather than an error, if it is not configured. */
export function useSetting<Value>(bucket: string, operation: string, absent: string, read: () => Promise<Value>) {
  return useQuery({
    queryKey: ["s3", operation, bucket],
    queryFn: async (): Promise<Value | null> => {
      try {
        return await read();
      } catch (error) {
        if (hasCode(error, absent)) return null;
        throw error;
      }
    },
  });
}
