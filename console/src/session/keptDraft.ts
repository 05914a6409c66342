import { onForget } from "./session";

/** A form as it was left, such as for the page that makes a VPC. In memory only: it goes with the session. */
export class KeptDraft<Draft> {
  #draft: Draft | undefined;

  constructor() {
    onForget(() => this.drop());
  }

  /** The form as it was left; undefined where there is none. */
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
