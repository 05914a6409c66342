import type { S3Client } from "@aws-sdk/client-s3";
import { useQuery } from "@tanstack/react-query";
import { useS3 } from "../../api/s3";
import { listFolder, type ObjectFacts, type ObjectPlace, readRange } from "../archive/source";
import { errorRecordOf, filesOf, RECORD_BYTES, REPORT_BYTES, type RedactedFile, reportOf } from "./outcome";

const AT_ONCE = 6;

/** The files that a job redacted, with its report of each, and the errors that some have instead of a text. */
export function useRedacted(place: ObjectPlace | undefined) {
  const s3 = useS3();
  return useQuery({
    queryKey: ["s3", "redacted", place?.bucket, place?.key],
    enabled: place !== undefined,
    staleTime: 30_000,
    queryFn: async ({ signal }): Promise<readonly RedactedFile[]> => {
      if (place === undefined) return [];
      const files = filesOf(await listFolder(s3, place, signal), place.key);
      let next = 0;
      const work = async (): Promise<void> => {
        for (let at = next++; at < files.length; at = next++) {
          files[at] = await withOutcome(s3, files[at] as RedactedFile, signal);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      return files;
    },
  });
}

/** The same file with its outcome. Only small objects can be error records, so the documents themselves are not read. */
async function withOutcome(s3: S3Client, file: RedactedFile, signal: AbortSignal): Promise<RedactedFile> {
  const read = (object: ObjectFacts): Promise<Uint8Array> => readRange(s3, object, 0, object.size, signal);
  const { text, reportObject } = file;
  const report = isBelow(reportObject, REPORT_BYTES) ? reportOf(await read(reportObject)) : undefined;
  const error = isBelow(text, RECORD_BYTES) ? errorRecordOf(await read(text)) : undefined;
  return { ...file, ...(report && { report }), ...(error && { error }) };
}

function isBelow(object: ObjectFacts | undefined, most: number): object is ObjectFacts {
  return object !== undefined && object.size > 0 && object.size <= most;
}
