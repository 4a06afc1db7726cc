/** A fixture that all tests of a file share, and that needs no other. */
export function ofFile<T>(share: (use: (value: T) => Promise<void>) => Promise<void>) {
  // vitest reads in the parameters which other fixtures this one needs; it takes nothing but a pattern, here one of none.
  // oxlint-disable-next-line no-empty-pattern
  const fixture = async ({}, use: (value: T) => Promise<void>): Promise<void> => share(use);
  return [fixture, { scope: "file" }] as [typeof fixture, { scope: "file" }];
}
