import { ListObjectsV2Command } from "@aws-sdk/client-s3";
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useS3 } from "../../api/s3";
import { decodeListed } from "../../s3/keys";
import { type Reading, readingOf } from "../../s3/reading";
import { parseS3Uri } from "./s3Uri";

/** What the objects of an input are, by their keys. */
export interface InputReading {
  readonly reading: Reading;
  /** Whether there are more objects than those that were looked at. */
  readonly more: boolean;
}

const TYPING_MILLISECONDS = 500;

/** What a job would read of an input, from the first thousand keys; undefined until they are known. */
export function useInputReading(uri: string): InputReading | undefined {
  const s3 = useS3();
  const [typed, setTyped] = useState(uri);
  useEffect(() => {
    const timer = setTimeout(() => setTyped(uri), TYPING_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [uri]);
  const place = parseS3Uri(typed);
  const { data } = useQuery({
    queryKey: ["s3", "ListObjectsV2", "reading", place?.bucket, place?.key],
    enabled: place !== undefined && typed === uri,
    // The preflight says why an input cannot be listed.
    retry: false,
    queryFn: async ({ signal }): Promise<InputReading> => {
      const { Contents = [], IsTruncated = false } = await s3.send(
        new ListObjectsV2Command({ Bucket: place?.bucket, Prefix: place?.key, EncodingType: "url" }),
        { abortSignal: signal },
      );
      const files = Contents.map(({ Key, Size = 0 }) => ({ name: decodeListed(Key), size: Size }));
      return { reading: readingOf(files.filter(({ name }) => !name.endsWith("/"))), more: IsTruncated };
    },
  });
  return typed === uri ? data : undefined;
}
