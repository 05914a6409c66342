interface Unsuccessful {
  readonly ResourceId?: string | undefined;
  readonly Error?: { readonly Code?: string | undefined; readonly Message?: string | undefined } | undefined;
}

/** Throw the first error of an answer that reports failures in its body instead of failing. */
export function refuseUnsuccessful(items: readonly Unsuccessful[] | undefined): void {
  const first = items?.[0];
  if (first === undefined) return;
  const error = new Error(first.Error?.Message ?? `${first.ResourceId} could not be changed.`);
  error.name = first.Error?.Code ?? "Unsuccessful";
  throw error;
}
