/** The report of a classifier's training: ``confusion_matrix.json``. */
export interface ConfusionReport {
  readonly type: "multi_class" | "multi_label";
  readonly labels: readonly string[];
  /** For one class per document: one matrix, rows actual, columns predicted. */
  readonly matrix?: readonly (readonly number[])[];
  /**
   * For several labels per document: one matrix for each label, [[true negative, false positive], [false negative, true
   * positive]].
   */
  readonly matrices?: readonly (readonly (readonly number[])[])[];
}

/** Read the text of ``confusion_matrix.json``; undefined if it does not have the documented format. */
export function readConfusionReport(text: string): ConfusionReport | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { type, labels, confusion_matrix: matrix } = value as Record<string, unknown>;
  if (!Array.isArray(labels) || !labels.every((label) => typeof label === "string")) return undefined;
  if (type === "multi_class" && isMatrix(matrix, labels.length)) return { type, labels, matrix };
  if (type === "multi_label" && Array.isArray(matrix) && matrix.length === labels.length) {
    if (matrix.every((each) => isMatrix(each, 2))) return { type, labels, matrices: matrix };
  }
  return undefined;
}

export interface LabelScores {
  readonly label: string;
  readonly precision: number | undefined;
  readonly recall: number | undefined;
  readonly f1: number | undefined;
  /** How many of the test documents have the label. */
  readonly support: number;
}

/** Precision, recall and F1 of each label; undefined if the label was never predicted, or never occurred. */
export function labelScores(report: ConfusionReport): LabelScores[] {
  return report.labels.map((label, at) => {
    const { hit, predicted, actual } = countsOf(report, at);
    const precision = predicted === 0 ? undefined : hit / predicted;
    const recall = actual === 0 ? undefined : hit / actual;
    const f1 = predicted + actual === 0 ? undefined : (2 * hit) / (predicted + actual);
    return { label, precision, recall, f1, support: actual };
  });
}

function countsOf(report: ConfusionReport, at: number): { hit: number; predicted: number; actual: number } {
  if (report.matrices !== undefined) {
    const [[, falsePositive = 0] = [], [falseNegative = 0, hit = 0] = []] = report.matrices[at] ?? [];
    return { hit, predicted: hit + falsePositive, actual: hit + falseNegative };
  }
  const matrix = report.matrix ?? [];
  const hit = matrix[at]?.[at] ?? 0;
  const predicted = matrix.reduce((sum, row) => sum + (row[at] ?? 0), 0);
  const actual = (matrix[at] ?? []).reduce((sum, count) => sum + count, 0);
  return { hit, predicted, actual };
}

function isMatrix(value: unknown, size: number): value is number[][] {
  return (
    Array.isArray(value) &&
    value.length === size &&
    value.every(
      (row) => Array.isArray(row) && row.length === size && row.every((cell) => Number.isFinite(cell) && cell >= 0),
    )
  );
}
