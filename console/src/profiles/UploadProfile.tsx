import FileUpload from "@cloudscape-design/components/file-upload";
import FormField from "@cloudscape-design/components/form-field";
import Input from "@cloudscape-design/components/input";
import { useState } from "react";
import { useReadingRoom } from "../api/readingRoom";
import { FormModal } from "../components/FormModal";
import { nameOfFile, profileFileProblem, profileNameProblem } from "./profile";

interface Props {
  readonly onStored: () => Promise<void>;
  readonly onDismiss: () => void;
}

/** Stores a profile from a file. One of the same name is replaced. */
export function UploadProfile({ onStored, onDismiss }: Props) {
  const call = useReadingRoom();
  const [file, setFile] = useState<File>();
  const [name, setName] = useState("");
  const [submitted, setSubmitted] = useState(false);
  const nameProblem = profileNameProblem(name);
  const fileProblem = profileFileProblem(file);
  return (
    <FormModal
      title="Upload a recall profile"
      action="Upload"
      what="The profile cannot be stored"
      check={() => {
        setSubmitted(true);
        return nameProblem === undefined && fileProblem === undefined;
      }}
      onSubmit={async () => {
        await call("PutPiiProfile", { Name: name, Content: await file?.text() });
        await onStored();
      }}
      onDismiss={onDismiss}
    >
      <FormField
        label="File"
        description="SAMPLE.profile.json, which reading-room pii calibrate SAMPLE wrote."
        errorText={submitted ? fileProblem : undefined}
      >
        <FileUpload
          accept=".json,application/json"
          value={file === undefined ? [] : [file]}
          onChange={({ detail: { value } }) => {
            const [chosen] = value;
            setFile(chosen);
            if (chosen !== undefined && name === "") setName(nameOfFile(chosen.name));
          }}
          i18nStrings={{
            uploadButtonText: () => "Choose a file",
            dropzoneText: () => "Drop the file",
            removeFileAriaLabel: () => "Remove the file",
            limitShowFewer: "Show fewer files",
            limitShowMore: "Show more files",
            errorIconAriaLabel: "Error",
          }}
        />
      </FormField>
      <FormField
        label="Name"
        constraintText="1 to 63 letters, digits, dots, underscores and hyphens. A profile of this name is replaced."
        errorText={submitted ? nameProblem : undefined}
      >
        <Input value={name} autoComplete={false} onChange={({ detail }) => setName(detail.value)} />
      </FormField>
    </FormModal>
  );
}
