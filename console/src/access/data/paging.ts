interface MarkerAnswer {
  readonly IsTruncated?: boolean | undefined;
  readonly Marker?: string | undefined;
}

/**
 * Read an IAM list to its end. ``read`` asks for the page after a marker; ``pick`` takes the items out of an answer.
 */
export async function readAll<Answer extends MarkerAnswer, Item>(
  read: (marker: { Marker?: string; MaxItems: number }) => Promise<Answer>,
  pick: (answer: Answer) => readonly Item[] | undefined,
): Promise<Item[]> {
  const items: Item[] = [];
  let marker: string | undefined;
  do {
    const answer = await read({ MaxItems: 1000, ...(marker !== undefined && { Marker: marker }) });
    items.push(...(pick(answer) ?? []));
    marker = answer.IsTruncated ? answer.Marker : undefined;
  } while (marker !== undefined);
  return items;
}
