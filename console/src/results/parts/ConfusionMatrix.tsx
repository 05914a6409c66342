import Box from "@cloudscape-design/components/box";
import { formatNumber } from "../../components/format";
import "./parts.css";

interface Props {
  readonly labels: readonly string[];
  /** Rows are the actual labels, columns the predicted ones. */
  readonly matrix: readonly (readonly number[])[];
  readonly title?: string;
}

// A table of a thousand classes would have a million cells, which no page can show.
const MOST = 60;

/** The actual and predicted labels of the test documents; correct cells are framed, wrong ones underlined. */
export function ConfusionMatrix({ labels, matrix, title = "Confusion matrix" }: Props) {
  const shown = labels.slice(0, MOST);
  return (
    <div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard. */}
      <section className="matrix-scroll" tabIndex={0} aria-label={title}>
        <table className="matrix">
          <caption>
            {title}. Rows: the actual label. Columns: the predicted label. Framed: correct. Underlined: wrong.
          </caption>
          <thead>
            <tr>
              <th scope="col">Actual ╲ predicted</th>
              {shown.map((label) => (
                <th key={label} scope="col" title={label}>
                  <bdi>{label}</bdi>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((label, row) => (
              <tr key={label}>
                <th scope="row" title={label}>
                  <bdi>{label}</bdi>
                </th>
                {shown.map((predicted, column) => {
                  const count = matrix[row]?.[column] ?? 0;
                  return (
                    <td key={predicted} className={cellClass(row === column, count)}>
                      {formatNumber(count)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {labels.length > MOST && (
        <Box variant="small">
          The first {MOST} of {formatNumber(labels.length)} labels. The archive of the training has all of them.
        </Box>
      )}
    </div>
  );
}

function cellClass(right: boolean, count: number): string | undefined {
  if (right) return "matrix-right";
  return count > 0 ? "matrix-wrong" : undefined;
}
