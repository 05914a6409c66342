import Alert from "@cloudscape-design/components/alert";
import Box from "@cloudscape-design/components/box";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { counted, formatNumber } from "../../components/format";
import { ANY_DOCUMENTS, DOCUMENTS_TAG } from "../../kinds/formats.generated";
import { shownKey } from "../../s3/keys";
import { formatWords, type LeftOut } from "../../s3/reading";
import { columnOf, readingDocuments, readingText, readsDocuments, withColumn } from "../documents";
import type { Draft } from "../draft";
import type { InputReading } from "./useInputReading";

interface Props {
  readonly draft: Draft;
  readonly looked: InputReading | undefined;
  readonly onChange: (change: Partial<Draft>) => void;
}

const NAMED = 5;

/** What the job reads of its input, and whether documents of other formats than text belong to it. */
export function DocumentsField({ draft, looked, onChange }: Props) {
  const all = readsDocuments(draft.tags);
  const reading = looked?.reading;
  const column = columnOf(draft.tags);
  const special = reading !== undefined && (reading.documents || reading.tables || reading.leftOut.length > 0);
  if (!all && !special) return null;
  return (
    <SpaceBetween size="l">
      <Alert
        type={!all && reading?.documents ? "warning" : "info"}
        header={all ? "The job reads documents of every format" : "The job reads only text"}
        action={
          all ? (
            <Button formAction="none" onClick={() => onChange(readingText(draft))}>
              Read only text
            </Button>
          ) : (
            <Button formAction="none" onClick={() => onChange(readingDocuments(draft))}>
              Read every format
            </Button>
          )
        }
        data-testid="documents"
      >
        <SpaceBetween size="xxs">
          {reading !== undefined && reading.count > 0 && (
            <div>
              The input has {looked?.more && "more than "}
              {counted(reading.count, "file")} in formats that are read: {formatWords(reading)}.
            </div>
          )}
          {all ? (
            <div>
              The tag{" "}
              <Box variant="code">
                {DOCUMENTS_TAG}={ANY_DOCUMENTS}
              </Box>{" "}
              is set below, and each file is a document.
            </div>
          ) : (
            <div>{reading?.documents ? "Files in other formats get an error instead of a result." : AS_TEXT}</div>
          )}
          {reading?.leftOut.map((each) => (
            <NotRead key={each.reason} {...each} />
          ))}
        </SpaceBetween>
      </Alert>
      {all && (reading?.tables || column !== "") && (
        <FormField
          label="Column - optional"
          description="The column of CSV and Excel files, or the member of JSON Lines, that is the text. All cells, if you name none."
        >
          <Input
            value={column}
            autoComplete={false}
            onChange={({ detail }) => onChange(withColumn(draft, detail.value))}
          />
        </FormField>
      )}
    </SpaceBetween>
  );
}

const AS_TEXT = "CSV and JSON Lines are read as they are. To read their cells, read every format.";

function NotRead({ reason, names }: LeftOut) {
  return (
    <div>
      {counted(names.length, "file")} {reason}: <bdi>{names.slice(0, NAMED).map(shownKey).join(", ")}</bdi>
      {names.length > NAMED && ` and ${formatNumber(names.length - NAMED)} more`}.
    </div>
  );
}
