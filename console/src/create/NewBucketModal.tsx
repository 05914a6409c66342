import Alert from "@cloudscape-design/components/alert";
import Button from "@cloudscape-design/components/button";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import ProgressBar from "@cloudscape-design/components/progress-bar";
import RadioGroup from "@cloudscape-design/components/radio-group";
import SpaceBetween from "@cloudscape-design/components/space-between";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { readError } from "../api/errors";
import { useS3 } from "../api/s3";
import { FormModal } from "../components/FormModal";
import { counted, formatBytes, formatNumber } from "../components/format";
import { keyProblem, shownKey, unreachable } from "../s3/keys";
import { FileChooser } from "../s3/parts/FileChooser";
import { FilesToRead } from "../s3/parts/FilesToRead";
import { type NamedFile, whyLeftOut } from "../s3/reading";
import type { FoundFile } from "../s3/transfer/chosen";
import { bucketNameProblem, makeBucket, type NewDocument, type NewLocations, type Uploaded } from "./newBucket";
import { SAMPLES } from "./samples";

interface Props {
  readonly onMade: (locations: NewLocations) => void;
  readonly onDismiss: () => void;
}

const NAMED = 10;

/** Creates a bucket with documents: the user's own, or three sample texts. */
export function NewBucketModal({ onMade, onDismiss }: Props) {
  const client = useS3();
  const queries = useQueryClient();
  const [name, setName] = useState("");
  const [own, setOwn] = useState(false);
  const [chosen, setChosen] = useState<readonly FoundFile[]>([]);
  const [submitted, setSubmitted] = useState(false);
  /** How many documents are uploaded so far; undefined before the upload. */
  const [uploaded, setUploaded] = useState<number>();
  /** What an upload ended with that was not complete. */
  const [partly, setPartly] = useState<Uploaded>();
  const leaving = useRef(new AbortController());
  useEffect(() => {
    const controller = new AbortController();
    leaving.current = controller;
    return () => controller.abort();
  }, []);
  const read = chosen.filter((each) => whyLeftOut(named(each)) === undefined);
  const documents: readonly NewDocument[] = own
    ? read.map(({ file, path }) => ({ name: path, body: file }))
    : SAMPLES.map(({ name: title, text }) => ({ name: title, body: text }));
  const nameProblem = bucketNameProblem(name);
  const filesProblem = own ? problemOf(read) : undefined;
  const make = async (): Promise<void> => {
    const { signal } = leaving.current;
    setUploaded(0);
    try {
      const wanted = partly?.failed.map(({ document }) => document) ?? documents;
      const made = await makeBucket(client, name, wanted, setUploaded, signal);
      await queries.invalidateQueries({ queryKey: ["s3"] });
      if (made.failed.length === 0) onMade(made.locations);
      else setPartly(made);
    } finally {
      setUploaded(undefined);
    }
  };
  const total = partly?.failed.length ?? documents.length;
  return (
    <FormModal
      title="New bucket with documents"
      action={partly === undefined ? "Create bucket" : "Upload them again"}
      what="The bucket cannot be created"
      size="large"
      check={() => {
        setSubmitted(true);
        return nameProblem === undefined && filesProblem === undefined;
      }}
      onSubmit={make}
      onDismiss={onDismiss}
    >
      {partly === undefined && (
        <SpaceBetween size="l">
          <FormField
            label="Bucket name"
            constraintText="3 to 63 lowercase letters, digits, dots and hyphens."
            errorText={submitted ? nameProblem : undefined}
          >
            <Input value={name} autoComplete={false} onChange={({ detail }) => setName(detail.value)} />
          </FormField>
          <FormField label="Documents">
            <RadioGroup
              value={own ? "own" : "samples"}
              onChange={({ detail }) => setOwn(detail.value === "own")}
              items={[
                {
                  value: "samples",
                  label: "Sample texts",
                  description: `${counted(SAMPLES.length, "short English text")} in the public domain.`,
                },
                {
                  value: "own",
                  label: "My documents",
                  description: "Text, PDF, Word, PowerPoint, Excel, CSV, HTML, e-mail, images and more.",
                },
              ]}
            />
          </FormField>
          {own && (
            <FormField stretch label="Files and folders" errorText={submitted ? filesProblem : undefined}>
              <FileChooser onChoose={(found) => setChosen((known) => merged(known, found))} />
            </FormField>
          )}
          {own && <Chosen read={read} all={chosen} onClear={() => setChosen([])} />}
        </SpaceBetween>
      )}
      {partly !== undefined && <Partly made={partly} onGoOn={() => onMade(partly.locations)} />}
      {uploaded !== undefined && (
        <ProgressBar
          label="Upload"
          value={total === 0 ? 100 : (100 * uploaded) / total}
          additionalInfo={`${formatNumber(uploaded)} of ${counted(total, "document")}`}
        />
      )}
    </FormModal>
  );
}

interface ChosenProps {
  readonly read: readonly FoundFile[];
  readonly all: readonly FoundFile[];
  readonly onClear: () => void;
}

/** What will be uploaded, and what will not. */
function Chosen({ read, all, onClear }: ChosenProps) {
  if (all.length === 0) return null;
  const size = read.reduce((sum, { file }) => sum + file.size, 0);
  return (
    <SpaceBetween size="s">
      <SpaceBetween size="xs" direction="horizontal" alignItems="center">
        <div aria-live="polite">
          {counted(read.length, "file")} to upload, {formatBytes(size)}
        </div>
        <Button formAction="none" variant="inline-link" onClick={onClear}>
          Choose others
        </Button>
      </SpaceBetween>
      <FilesToRead files={all.map(named)} fate="They are not uploaded." />
    </SpaceBetween>
  );
}

/** The documents that could not be uploaded, after the others were. */
function Partly({ made: { failed }, onGoOn }: { readonly made: Uploaded; readonly onGoOn: () => void }) {
  return (
    <Alert
      type="error"
      header={`${counted(failed.length, "document was", "documents were")} not uploaded`}
      action={
        <Button formAction="none" onClick={onGoOn}>
          Go on without
        </Button>
      }
    >
      The bucket has all others.
      <ul>
        {failed.slice(0, NAMED).map(({ document, error }) => (
          <li key={document.name}>
            <bdi>{shownKey(document.name)}</bdi>: {readError(error).code}: {readError(error).message}
          </li>
        ))}
        {failed.length > NAMED && <li>and {formatNumber(failed.length - NAMED)} more</li>}
      </ul>
    </Alert>
  );
}

function named({ path, file, text }: FoundFile): NamedFile {
  return { name: path, size: file.size, ...(text !== undefined && { text }) };
}

function merged(known: readonly FoundFile[], found: readonly FoundFile[]): readonly FoundFile[] {
  const paths = new Set(found.map(({ path }) => path));
  return [...known.filter(({ path }) => !paths.has(path)), ...found];
}

function problemOf(read: readonly FoundFile[]): string | undefined {
  if (read.length === 0) return "Choose at least one file that jobs read.";
  const bad = read.find(({ path }) => unreachable(path) ?? keyProblem(`documents/${path}`));
  return bad && `${shownKey(bad.path)}: ${unreachable(bad.path) ?? keyProblem(`documents/${bad.path}`)}`;
}
