import { onForget } from "./session";

/**
 * A form as it was left, for example for the form for a private VPC. It is only in memory, and ends with the session.
 */
export class KeptDraft<Draft> {
  #draft: Draft | undefined;

  constructor() {
    onForget(() => this.drop());
  }

  /** The form as it was left; undefined if there is none. */
  get draft(): Draft | undefined {
    return this.#draft;
  }

  keep(draft: Draft): void {
    this.#draft = draft;
  }

  drop(): void {
    this.#draft = undefined;
  }
}
