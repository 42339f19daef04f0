/** Paths of source files, as listings and editors write them: with either separator, and URIs in a browser. */

/** One spelling for comparing: forward slashes, no `.` and `..` segments, no drive letter's case. */
export function comparablePath(path: string): string {
  const segments: string[] = [];
  for (const segment of path.replaceAll('\\', '/').split('/')) {
    if (segment === '.') continue;
    if (segment === '..' && segments.length > 0 && segments.at(-1) !== '..' && segments.at(-1) !== '') segments.pop();
    else segments.push(segment);
  }
  return segments.join('/').replace(/^[A-Z]:/, (drive) => drive.toLowerCase());
}

/** The directory of a path without its last separator; empty for a bare name. */
export function directoryOf(path: string): string {
  return path.slice(0, Math.max(0, path.search(/[\\/][^\\/]*$/)));
}

/** `name` seen from a directory; absolute names stay. Writes the directory's own separator. */
export function joinPath(directory: string, name: string): string {
  const isAbsolute = /^(?:[\\/]|[A-Za-z]:[\\/]|[a-z][\w+.-]+:\/\/)/.test(name);
  if (isAbsolute || directory === '') return name;
  const separator = directory.includes('\\') && !directory.includes('/') ? '\\' : '/';
  const [root = ''] = /^(?:[a-z][\w+.-]+:\/\/[^/]*|[A-Za-z]:)?[\\/]?/.exec(directory) ?? [];
  const segments: string[] = [];
  for (const segment of `${directory.slice(root.length)}/${name}`.split(/[\\/]/)) {
    if (segment === '' || segment === '.') continue;
    if (segment === '..' && segments.length > 0) segments.pop();
    else segments.push(segment);
  }
  const isOpen = root === '' || /[\\/]$/.test(root);
  return (isOpen ? root : root + separator) + segments.join(separator);
}

/** How many segments at the end of two paths agree, without regard to case. */
export function commonSuffixLength(first: string, second: string): number {
  const left = comparablePath(first).toLowerCase().split('/').reverse();
  const right = comparablePath(second).toLowerCase().split('/').reverse();
  const differs = left.findIndex((segment, index) => segment !== right[index]);
  return differs < 0 ? left.length : differs;
}
