/** An archive that cannot be read: what is wrong with it, where, and what to do. */
export class ArchiveError extends Error {
  override readonly name = "BadArchive";
}

/** Reading ended because more would not be kept; what was read so far is whole. */
export class ArchiveLimit extends Error {
  override readonly name = "ArchiveTooLarge";
}
