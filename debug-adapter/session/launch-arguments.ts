/**
 * The table of the launch arguments: the attributes of launch.json, which are also the command line's options (in
 * kebab-case there). The schema in package.json, the validation and the documentation are derived from it.
 */

/**
 * `path` is a file on the host; `size` is a number with K, M or G behind it (alone it counts MiB); `address` is a
 * number or its text; `cpus` is a number, or text as `"1x4x2"`; `listings` is a list of listing files, each a path or `{path, source, loadAddress, imageOffset}`;
 * `modules` is a list of files, each a path or `{path, commandLine}`.
 */
export type LaunchArgumentType =
  | 'path'
  | 'text'
  | 'boolean'
  | 'cpus'
  | 'size'
  | 'address'
  | 'choice'
  | 'listings'
  | 'modules';

export interface LaunchArgument {
  readonly name: string;
  readonly type: LaunchArgumentType;
  readonly description: string;
  readonly default?: string | number | boolean;
  /** The values of a `choice`; for a `path` the words that are no path. */
  readonly choices?: readonly (string | boolean)[];
}

export const launchArguments = [
  {
    name: 'program',
    type: 'path',
    description:
      'What to boot: a NASM source (`.asm`, `.nasm`, `.s`), which is assembled first, or a disk image. An image of a standard floppy size becomes drive A:, any other the first hard disk.',
  },
  {
    name: 'listing',
    type: 'path',
    description:
      'NASM listing file (`nasm -l`) of a prebuilt `program`, for source lines and labels; by default the file of its name with `.lst`.',
  },
  {
    name: 'source',
    type: 'path',
    description:
      'NASM source that `listing` was made from; by default the file of that name beside it (`.asm`, `.nasm`, `.s`).',
  },
  {
    name: 'loadAddress',
    type: 'address',
    description: "Linear address of the first byte of `program` in memory, if it is not the boot sector's 0x7c00.",
  },
  {
    name: 'listings',
    type: 'listings',
    description:
      'Listing files of further modules of the image, each a path or `{ "path": …, "source": …, "loadAddress": …, "imageOffset": … }`, where `loadAddress` is the linear address of the module\'s first byte, `imageOffset` its place in the image, and `source` is relative to the listing.',
  },
  { name: 'floppy', type: 'path', description: 'Image of the floppy in drive A: (BIOS drive 00h).' },
  { name: 'disk', type: 'path', description: 'Image of the first hard disk (BIOS drive 80h).' },
  { name: 'cdrom', type: 'path', description: 'ISO image in the CD-ROM drive.' },
  {
    name: 'kernel',
    type: 'path',
    description:
      'Kernel to boot directly instead of a drive: a Multiboot or Multiboot 2 kernel (ELF, or flat with address fields), a Linux bzImage, or a NASM source of a flat Multiboot kernel.',
  },
  {
    name: 'initrd',
    type: 'path',
    description: 'Initial RAM disk for a Linux `kernel`; the first module of a Multiboot one.',
  },
  {
    name: 'modules',
    type: 'modules',
    description: 'Modules for a Multiboot `kernel`, in order, each a path or `{ "path": …, "commandLine": … }`.',
  },
  { name: 'append', type: 'text', description: 'Command line for `kernel`.' },
  {
    name: 'kernelEntry',
    type: 'choice',
    description:
      'Where a Linux `kernel` is entered: `16-bit` runs its real-mode part, which asks the BIOS; `32-bit` and `64-bit` skip it.',
    default: '16-bit',
    choices: ['16-bit', '32-bit', '64-bit'],
  },
  {
    name: 'memory',
    type: 'size',
    description: 'RAM of the guest, `1M` to `2G` in steps of 64K: a number with K, M or G; a number alone counts MiB.',
    default: '128M',
  },
  {
    name: 'memoryLow',
    type: 'size',
    description:
      'How much of the RAM lies below 4 GiB; the rest begins at 4 GiB, as PCs with much memory have it. Default: all of it.',
  },
  {
    name: 'cpus',
    type: 'cpus',
    description:
      'Processors, 16 at most: their number, each in a package of its own, or `"1x4x2"` for packages, cores in a package and threads in a core. Several need a model with a local APIC (`pentium` or later), cores and threads `core2` or later.',
    default: 1,
  },
  {
    name: 'cpu',
    type: 'choice',
    description: 'Processor model: which instructions and features the guest finds.',
    default: '486',
    choices: [
      '386',
      '486',
      'pentium',
      'pentium3',
      'pentium4',
      'prescott',
      'core2',
      'atom',
      'x86-64-v2',
      'x86-64-v3',
      'skylake',
      'amd-zen',
      'max',
    ],
  },
  {
    name: 'localApic',
    type: 'choice',
    description:
      '`hidden` takes the local APIC away from a model that has one, with the I/O APIC and what tells of both: interrupts come from the 8259s alone, as on a `486`, and there is one processor.',
    default: 'model',
    choices: ['model', 'hidden'],
  },
  {
    name: 'engine',
    type: 'choice',
    description:
      'How the guest is executed: `compiler` makes WebAssembly of the code that runs often, `interpreter` compiles nothing. The guest and the debugger find no difference but the speed.',
    default: 'compiler',
    choices: ['compiler', 'interpreter'],
  },
  {
    name: 'machine',
    type: 'choice',
    description: 'Machine type: which devices there are and where.',
    default: 'isa-1',
    choices: ['isa-1'],
  },
  {
    name: 'firmware',
    type: 'path',
    description: '`builtin` for the BIOS that comes with the debugger, or a BIOS image.',
    default: 'builtin',
    choices: ['builtin'],
  },
  { name: 'vgaFirmware', type: 'path', description: 'VGA BIOS image for C0000h.' },
  {
    name: 'serial',
    type: 'choice',
    description:
      'Where the first serial port goes: the Debug Console, a terminal of its own (in VS Code; elsewhere the console), or nowhere.',
    default: 'console',
    choices: ['console', 'terminal', 'none'],
  },
  {
    name: 'debugcon',
    type: 'choice',
    description: 'Where bytes written to port E9h go: the Debug Console, or nowhere.',
    default: 'console',
    choices: ['console', 'none'],
  },
  {
    name: 'parallel',
    type: 'choice',
    description: 'Where what the guest prints on the parallel port goes: the Debug Console, or nowhere.',
    default: 'console',
    choices: ['console', 'none'],
  },
  {
    name: 'exitDevice',
    type: 'boolean',
    description: 'A write to port F4h ends the session with exit code (value << 1) | 1.',
    default: false,
  },
  {
    name: 'stopOnEntry',
    type: 'choice',
    description:
      '`true`: stop at the first instruction of the boot sector (0000:7C00); `"reset"`: at the reset vector; `false`: run.',
    default: true,
    choices: [true, false, 'reset'],
  },
  {
    name: 'realTime',
    type: 'boolean',
    description: 'Keep the clock of a halted guest in step with the wall clock; false lets waiting take no time.',
    default: true,
  },
] as const satisfies readonly LaunchArgument[];

export type LaunchArgumentName = (typeof launchArguments)[number]['name'];

/** The table again, typed by its interface instead of by its literal. */
export const launchArgumentRows: readonly LaunchArgument[] = launchArguments;
