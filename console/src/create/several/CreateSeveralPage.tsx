import { useMemo, useState } from "react";
import { useSearchParams } from "react-router";
import { Page } from "../../components/Page";
import { startDraft } from "../startDraft";
import { EMPTY_SEVERAL, keptSeveral } from "./draft";
import { SeveralForm } from "./SeveralForm";

/** The form that starts several analyses of one input with one button. */
export default function CreateSeveralPage() {
  const [parameters] = useSearchParams();
  const [left] = useState(
    () =>
      keptSeveral.draft !== undefined &&
      !parameters.has("vpc") &&
      JSON.stringify(keptSeveral.draft) !== JSON.stringify(EMPTY_SEVERAL),
  );
  const start = useMemo(() => {
    const kept = keptSeveral.draft ?? EMPTY_SEVERAL;
    return { ...kept, common: startDraft(kept.common, parameters) };
  }, [parameters]);
  return (
    <Page
      title="Analyze in several ways"
      description="Starts one job for each chosen analysis, all over the same input, and shows their progress together."
      above={[{ text: "Analysis jobs", href: "/jobs" }]}
    >
      <SeveralForm key={parameters.toString()} start={start} left={left} />
    </Page>
  );
}
