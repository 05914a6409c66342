import Alert from "@cloudscape-design/components/alert";
import { counted, formatNumber } from "../../components/format";
import { unreadableFiles } from "../unreadable";

const NAMED = 20;

/** Lists the files that a job will not be able to read, before they are uploaded. */
export function UnreadableFiles({ names }: { readonly names: readonly string[] }) {
  const files = unreadableFiles(names);
  if (files.length === 0) return null;
  return (
    <Alert type="warning" header={`Jobs cannot read ${counted(files.length, "of these files", "of these files")}`}>
      Jobs read plain text in UTF-8. Each of these would become an error in the results, so save it as text first:
      <ul>
        {files.slice(0, NAMED).map((file) => (
          <li key={file}>
            <bdi>{file}</bdi>
          </li>
        ))}
        {files.length > NAMED && <li>and {formatNumber(files.length - NAMED)} more</li>}
      </ul>
    </Alert>
  );
}
