/** Archives for Linux to unpack as its root file system (cpio's "newc" format, Linux: Documentation/driver-api/early-userspace). */

/** A file of an initramfs: its place without a leading slash, its kind by what it has. */
export type InitramfsEntry =
  | { readonly path: string; readonly bytes: Uint8Array; readonly isExecutable?: boolean }
  | { readonly path: string; readonly linkTo: string }
  | { readonly path: string; readonly device: readonly [major: number, minor: number] }
  /** A folder. */
  | { readonly path: string };

const FOLDER = 0o040755;
const FILE = 0o100644;
const PROGRAM = 0o100755;
const LINK = 0o120777;
const CHARACTER_DEVICE = 0o020600;
const MAGIC = '070701';
const LAST_NAME = 'TRAILER!!!';

/** The archive; folders go before what is in them. */
export function initramfs(entries: readonly InitramfsEntry[]): Uint8Array {
  const members = entries.map((entry, index) => member(entry, index + 1));
  return Buffer.concat([...members, header(LAST_NAME, { inode: 0, mode: 0, size: 0, device: [0, 0] })]);
}

function member(entry: InitramfsEntry, inode: number): Uint8Array {
  const { path } = entry;
  const none: readonly [number, number] = [0, 0];
  if ('device' in entry) return header(path, { inode, mode: CHARACTER_DEVICE, size: 0, device: entry.device });
  if ('linkTo' in entry) return withBytes(path, inode, LINK, Buffer.from(entry.linkTo));
  if ('bytes' in entry) return withBytes(path, inode, entry.isExecutable === true ? PROGRAM : FILE, entry.bytes);
  return header(path, { inode, mode: FOLDER, size: 0, device: none });
}

function withBytes(path: string, inode: number, mode: number, bytes: Uint8Array): Uint8Array {
  return padded(Buffer.concat([header(path, { inode, mode, size: bytes.length, device: [0, 0] }), bytes]));
}

interface HeaderFields {
  readonly inode: number;
  readonly mode: number;
  readonly size: number;
  readonly device: readonly [number, number];
}

/** Thirteen numbers of eight hexadecimal digits behind the magic, and the name: owner root, one link, time 0. */
function header(name: string, { inode, mode, size, device }: HeaderFields): Uint8Array {
  const nameBytes = Buffer.from(`${name}\0`);
  const numbers = [inode, mode, 0, 0, 1, 0, size, 0, 0, ...device, nameBytes.length, 0];
  const digits = numbers.map((number) => number.toString(16).padStart(8, '0')).join('');
  return padded(Buffer.concat([Buffer.from(MAGIC + digits), nameBytes]));
}

function padded(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([bytes, new Uint8Array(-bytes.length & 3)]);
}
