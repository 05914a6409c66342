import Checkbox from "@cloudscape-design/components/checkbox";
import ColumnLayout from "@cloudscape-design/components/column-layout";
import FormField from "@cloudscape-design/components/form-field";
import { languageName } from "../../components/languages";
import { ANALYSIS_TYPES } from "../analysisTypes";
import { isServed } from "./draft";

interface Props {
  readonly chosen: readonly string[];
  readonly language: string;
  readonly errorText: string | undefined;
  readonly onChange: (chosen: readonly string[]) => void;
}

/** The choice of analyses. Those without an engine for the language cannot be chosen. */
export function KindsField({ chosen, language, errorText, onChange }: Props) {
  return (
    <FormField
      label="Analyses"
      description="Each is a job of its own. Those of your own models need a trained model."
      errorText={errorText}
      stretch
    >
      <ColumnLayout columns={2}>
        {ANALYSIS_TYPES.map((type) => {
          const { id, label, description } = type;
          const served = isServed(type, language);
          return (
            <Checkbox
              key={id}
              checked={served && chosen.includes(id)}
              disabled={!served}
              description={served ? description : `There is no engine for ${languageName(language)}.`}
              onChange={({ detail }) =>
                onChange(detail.checked ? [...chosen, id] : chosen.filter((each) => each !== id))
              }
            >
              {label}
            </Checkbox>
          );
        })}
      </ColumnLayout>
    </FormField>
  );
}
