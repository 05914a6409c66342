/** An archive cannot be read. The message says what is wrong with it, where, and what to do. */
export class ArchiveError extends Error {
  override readonly name = "BadArchive";
}

/** Reading stopped at a limit; what was read so far is complete. */
export class ArchiveLimit extends Error {
  override readonly name = "ArchiveTooLarge";
}
