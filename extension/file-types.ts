/** Names in VS Code: the debug type, the files a guest can be started from, and the languages assembly is written in. */

/** The type of a debug configuration. */
export const DEBUG_TYPE = 'x86vm';

/** Sources that NASM assembles. */
export const SOURCE_EXTENSIONS = ['.asm', '.nasm', '.s'] as const;

/** Parts of sources, which other sources include. */
export const INCLUDE_EXTENSIONS = ['.inc', '.mac'] as const;

/** Flat images: floppy disks and hard disks, sector by sector. */
export const IMAGE_EXTENSIONS = ['.img', '.bin', '.flp', '.ima'] as const;

/** Files that are images of a kind not booted yet. */
const UNSUPPORTED_EXTENSIONS = ['.iso', '.qcow2', '.vhd', '.vmdk'] as const;

/** Language identifiers under which extensions register x86 assembly; breakpoints can be set in all of them. */
export const ASSEMBLY_LANGUAGES = [
  'asm',
  'asm-collection',
  'asm-intel-x86-generic',
  'asm-x86-64',
  'assembly',
  'fasm',
  'gas',
  'masm',
  'nasm',
  'platformio-debug.asm',
  'tasm',
  'x86asm',
  'x86-asm',
  'yasm',
] as const;

/** A `when` clause of VS Code: the editor in front shows a file of one of these kinds. */
export function whenExtension(extensions: readonly string[]): string {
  return `resourceExtname =~ /^\\.(${extensions.map((extension) => extension.slice(1)).join('|')})$/i`;
}

export type BootFileKind = 'source' | 'image' | 'unsupported' | 'other';

/** What a file's name says it is. */
export function bootFileKind(path: string): BootFileKind {
  const extension = fileExtension(path);
  if (includes(SOURCE_EXTENSIONS, extension)) return 'source';
  if (includes(IMAGE_EXTENSIONS, extension)) return 'image';
  return includes(UNSUPPORTED_EXTENSIONS, extension) ? 'unsupported' : 'other';
}

/** The last part of a path, with either kind of slash. */
export function fileName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

/** From the last dot of the file's name, in lower case; empty when there is none. */
export function fileExtension(path: string): string {
  const name = fileName(path);
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? '' : name.slice(dot).toLowerCase();
}

function includes(extensions: readonly string[], extension: string): boolean {
  return extensions.includes(extension);
}
