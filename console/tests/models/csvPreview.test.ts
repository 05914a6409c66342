import { expect, test } from "vitest";
import { csvProblem, previewCsv } from "../../src/models/csvPreview";

test("a training file is shown with its columns", () => {
  const preview = previewCsv('\ufeffbilling,"the invoice, again"\nreturns,it broke\n', true);
  expect(preview).toEqual({
    delimiter: ",",
    columns: 2,
    rows: [
      ["billing", "the invoice, again"],
      ["returns", "it broke"],
    ],
  });
  expect(csvProblem(preview)).toBeUndefined();
});

test("semicolons are detected, whatever commas the texts have", () => {
  const preview = previewCsv("billing;Hello, my invoice, please\r\nreturns;broke\r\nother;well, so\r\n", true);
  expect(preview.delimiter).toBe(";");
  expect(preview.rows[0]).toEqual(["billing", "Hello, my invoice, please"]);
  expect(csvProblem(preview)).toContain("semicolons");
});

test("semicolons are detected beside quotation marks, even if each text has one comma", () => {
  const preview = previewCsv(
    'billing;"the invoice, again"\nreturns;"it broke, and how"\nother;"a 5"" pipe, here"\n',
    true,
  );
  expect(preview.delimiter).toBe(";");
  expect(preview.rows).toContainEqual(["other", 'a 5" pipe, here']);
});

test.each([
  ["a\tone\nb\ttwo\n", "tabs"],
  ["only text\nmore text\n", "only one column"],
  ["", "only one column"],
])("%j is detected as well", (text, words) => {
  expect(csvProblem(previewCsv(text, true))).toContain(words);
});

test("a row that is cut at the end of a part is not shown", () => {
  expect(previewCsv('a,one\nb,two\nc,"thr', false).rows).toEqual([
    ["a", "one"],
    ["b", "two"],
  ]);
  expect(previewCsv("a,one,", false).rows).toEqual([["a", "one", ""]]);
});
