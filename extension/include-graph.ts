/** Which NASM sources include which: an included file cannot be booted by itself, the file that includes it can. */

/** Sources by their path, with slashes. */
export type Sources = ReadonlyMap<string, string>;

const INCLUDE = /^[ \t]*%include[ \t]+["'`]([^"'`\n]+)["'`]/gim;

/** The sources that no other one includes, in the order of the map. Files that include each other are all kept. */
export function rootSources(sources: Sources): string[] {
  const includers = includersOf(sources);
  const roots = [...sources.keys()].filter((path) => includers.get(path) === undefined);
  return roots.length > 0 ? roots : [...sources.keys()];
}

/** The roots from which a chain of includes leads to a source: itself, if nothing includes it. */
export function rootsOf(sources: Sources, path: string): string[] {
  const includers = includersOf(sources);
  const seen = new Set([path]);
  // A set hands out what is added while it is walked.
  for (const reached of seen) for (const includer of includers.get(reached) ?? []) seen.add(includer);
  const roots = [...seen].filter((reached) => includers.get(reached) === undefined);
  return roots.length > 0 ? roots : [path];
}

/** For each included source the others that include it. */
function includersOf(sources: Sources): ReadonlyMap<string, readonly string[]> {
  const includers = new Map<string, string[]>();
  for (const [path, text] of sources) {
    for (const [, name = ''] of text.matchAll(INCLUDE)) {
      const included = findIncluded(sources, path, name);
      if (included === undefined || included === path) continue;
      includers.set(included, [...(includers.get(included) ?? []), path]);
    }
  }
  return includers;
}

/** NASM looks where it was started and in the folders it was told: the nearest fit is what we can know. */
function findIncluded(sources: Sources, includer: string, name: string): string | undefined {
  const plain = name.replaceAll('\\', '/').replace(/^(\.{1,2}\/)+/, '');
  const beside = `${includer.slice(0, includer.lastIndexOf('/') + 1)}${plain}`;
  if (sources.has(beside)) return beside;
  return [...sources.keys()].find((path) => path.endsWith(`/${plain}`));
}
