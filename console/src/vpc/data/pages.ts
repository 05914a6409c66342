interface Answer {
  readonly NextToken?: string | undefined;
}

/** Read a listing to its end, page by page. */
export async function pages<Output extends Answer, Item>(
  ask: (token: string | undefined) => Promise<Output>,
  items: (answer: Output) => readonly Item[] | undefined,
): Promise<Item[]> {
  const found: Item[] = [];
  let token: string | undefined;
  do {
    const answer = await ask(token);
    found.push(...(items(answer) ?? []));
    token = answer.NextToken;
  } while (token !== undefined && token !== "");
  return found;
}
