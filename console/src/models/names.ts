const NAME = /^[a-zA-Z0-9](-*[a-zA-Z0-9])*$/;
const MOST = 63;

/** What is wrong with the name of a model or a version, by the API's own rule; ``undefined`` if it is valid. */
export function nameProblem(name: string, required: boolean): string | undefined {
  if (name === "") return required ? "Enter a name." : undefined;
  if (name.length > MOST) return `A name has at most ${MOST} characters; this one has ${name.length}.`;
  if (!NAME.test(name)) return "A name has letters, digits and hyphens, and begins and ends with a letter or a digit.";
  return undefined;
}
