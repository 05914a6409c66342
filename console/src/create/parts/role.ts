const ROLE = /^arn:aws(-[^:]+)?:iam::[0-9]{12}:role\/.+$/;

/** What is wrong with the ARN of a data access role, by the API's pattern; undefined if it is valid. */
export function roleProblem(arn: string): string | undefined {
  if (arn === "") return "Choose a role, or create one: the service reads and writes S3 with it.";
  if (!ROLE.test(arn)) return "Enter the ARN of a role, such as arn:aws:iam::000000000001:role/reader.";
  return arn.length < 20 || arn.length > 2048 ? "A role's ARN has 20 to 2048 characters." : undefined;
}
