import Button from "@cloudscape-design/components/button";
import SpaceBetween from "@cloudscape-design/components/space-between";
import StatusIndicator from "@cloudscape-design/components/status-indicator";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useReadingRoom } from "../api/readingRoom";
import { ConfirmModal } from "../components/ConfirmModal";
import { formatTime } from "../components/format";
import { languageName } from "../components/languages";
import { useNotices } from "../components/Notifications";
import { Page } from "../components/Page";
import { type Column, ResourceTable } from "../components/ResourceTable";
import { type Profile, promiseWords, thresholdWords } from "./profile";
import { PROFILES_KEY, useProfiles } from "./queries";
import { UploadProfile } from "./UploadProfile";

const COLUMNS: readonly Column<Profile>[] = [
  { id: "name", header: "Name", value: ({ Name }) => Name, cell: ({ Name }) => Name },
  {
    id: "language",
    header: "Language",
    value: ({ LanguageCode }) => languageName(LanguageCode),
    cell: ({ LanguageCode }) => languageName(LanguageCode),
  },
  { id: "use", header: "Use", value: wordsForUse, cell: (each) => <Use {...each} /> },
  { id: "promise", header: "Promised recall", value: promiseWords, cell: promiseWords },
  { id: "types", header: "Least scores", value: thresholdWords, cell: thresholdWords },
  {
    id: "stored",
    header: "Stored",
    value: ({ StoredAt }) => StoredAt,
    cell: ({ StoredAt }) => formatTime(StoredAt * 1000),
  },
];

/** The recall profiles of the account: which thresholds jobs and calls for personal data keep to. */
export default function ProfilesPage() {
  const call = useReadingRoom();
  const queries = useQueryClient();
  const notices = useNotices();
  const profiles = useProfiles();
  const [selected, setSelected] = useState<readonly Profile[]>([]);
  const [open, setOpen] = useState<"upload" | "delete">();
  const [chosen] = selected;
  const refresh = async (): Promise<void> => {
    setSelected([]);
    await queries.invalidateQueries({ queryKey: PROFILES_KEY });
  };
  const change = async (operation: string, input: object, done: string): Promise<void> => {
    try {
      await call(operation, input);
      notices.success(done);
      await refresh();
    } catch (error) {
      notices.failure("The default cannot be changed", error);
    }
  };
  return (
    <Page
      title="Recall profiles"
      description="A profile promises how much of the personal data in your documents is found. The command reading-room pii calibrate computes one from a sample of them."
    >
      <ResourceTable
        title="Recall profiles"
        noun="profile"
        items={profiles.data}
        loading={profiles.isPending}
        error={profiles.error ?? undefined}
        onRefresh={() => void refresh()}
        columns={COLUMNS}
        keyOf={({ Name }) => Name}
        selection="single"
        selected={selected}
        onSelect={setSelected}
        actions={
          <SpaceBetween direction="horizontal" size="xs">
            {chosen?.Default ? (
              <Button
                onClick={() =>
                  void change(
                    "ClearDefaultPiiProfile",
                    { LanguageCode: chosen.LanguageCode },
                    `Calls in ${languageName(chosen.LanguageCode)} return everything that is found.`,
                  )
                }
              >
                Clear default
              </Button>
            ) : (
              <Button
                disabled={chosen === undefined || chosen.Stale}
                onClick={() =>
                  chosen &&
                  void change("SetDefaultPiiProfile", { Name: chosen.Name }, `${chosen.Name} is the default now.`)
                }
              >
                Make default
              </Button>
            )}
            <Button disabled={chosen === undefined || chosen.Default} onClick={() => setOpen("delete")}>
              Delete
            </Button>
            <Button variant="primary" onClick={() => setOpen("upload")}>
              Upload profile
            </Button>
          </SpaceBetween>
        }
        empty="You have no profile. Mark the personal data in a sample of your documents, run reading-room pii calibrate, and upload what it writes."
      />
      {open === "upload" && (
        <UploadProfile
          onDismiss={() => setOpen(undefined)}
          onStored={async () => {
            setOpen(undefined);
            await refresh();
          }}
        />
      )}
      {open === "delete" && chosen !== undefined && (
        <ConfirmModal
          title={`Delete the profile ${chosen.Name}`}
          action="Delete"
          onDismiss={() => setOpen(undefined)}
          onConfirm={async () => {
            await call("DeletePiiProfile", { Name: chosen.Name });
            setOpen(undefined);
            await refresh();
          }}
        >
          Jobs that were submitted with it keep it. New ones can no longer name it.
        </ConfirmModal>
      )}
    </Page>
  );
}

function wordsForUse({ Default, Stale }: Profile): string {
  if (Stale) return "Stale";
  return Default ? "Default" : "Jobs that name it";
}

function Use(profile: Profile) {
  if (profile.Stale) {
    return (
      <>
        <StatusIndicator type="warning">Stale</StatusIndicator> The engine has changed since. Calibrate again, and
        upload the result.
      </>
    );
  }
  if (profile.Default) return <StatusIndicator type="success">Default</StatusIndicator>;
  return wordsForUse(profile);
}
