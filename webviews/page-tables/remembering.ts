/** A function that gives the same result object again while it is called with the same arguments. */
export function remembering<Arguments extends readonly unknown[], Result>(
  compute: (...given: Arguments) => Result,
): (...given: Arguments) => Result {
  let last: { readonly given: Arguments; readonly result: Result } | undefined;
  return (...given) => {
    if (!last?.given.every((value, n) => value === given[n])) last = { given, result: compute(...given) };
    return last.result;
  };
}
