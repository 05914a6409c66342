import { type _Object, ListBucketsCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useS3 } from "../../api/s3";

/** An entry of a listing: an object, or a folder, which is a prefix of keys up to a slash. */
export interface Entry {
  readonly key: string;
  readonly isFolder: boolean;
  readonly size?: number | undefined;
  readonly modified?: Date | undefined;
}

/** The caller's buckets. */
export function useBuckets() {
  const client = useS3();
  return useQuery({
    queryKey: ["s3", "ListBuckets"],
    queryFn: async () => {
      const names: string[] = [];
      let token: string | undefined;
      do {
        const page = await client.send(new ListBucketsCommand({ ContinuationToken: token }));
        names.push(...(page.Buckets ?? []).flatMap(({ Name }) => (Name === undefined ? [] : [Name])));
        token = page.ContinuationToken;
      } while (token !== undefined);
      return names;
    },
  });
}

/** The contents of a folder, one page of the service at a time: a folder may have a million objects. */
export function useFolder(bucket: string, prefix: string) {
  const client = useS3();
  return useInfiniteQuery({
    queryKey: ["s3", "ListObjectsV2", bucket, prefix, "/"],
    enabled: bucket !== "",
    initialPageParam: undefined as string | undefined,
    queryFn: ({ pageParam }) =>
      client.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, Delimiter: "/", ContinuationToken: pageParam }),
      ),
    getNextPageParam: (last) => last.NextContinuationToken,
    select: ({ pages }) =>
      pages.flatMap(({ CommonPrefixes = [], Contents = [] }) => [
        ...CommonPrefixes.map(({ Prefix }): Entry => ({ key: Prefix ?? "", isFolder: true })),
        ...Contents.filter(({ Key }) => Key !== prefix).map(entry),
      ]),
  });
}

function entry({ Key, Size, LastModified }: _Object): Entry {
  return { key: Key ?? "", isFolder: false, size: Size, modified: LastModified };
}
