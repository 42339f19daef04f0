/**
 * Bochs as a peer: Debian's packages, fetched and unpacked where they are not installed. Debian builds Bochs with its
 * debugger, which is told to go on once; the guest ends at a magic breakpoint, where the debugger finds no more commands.
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { debianFile } from '../debian-package.ts';
import { type GuestProcess, RUN_TIME_MAX_MS } from './timed-run.ts';

const FLOPPY_SIZE = 1_474_560;

/** Where the parts of Bochs lie. */
export interface Bochs {
  readonly program: string;
  readonly plugins: string;
  readonly bios: string;
  readonly videoBios: string;
  /** As it tells itself. */
  readonly version: string;
}

/** Bochs, or undefined where it cannot be had. */
export function findBochs(): Bochs | undefined {
  const program = debianFile('bochs', 'usr/bin/bochs-bin');
  const bios = debianFile('bochsbios', 'usr/share/bochs/BIOS-bochs-latest');
  const videoBios = debianFile('vgabios', 'usr/share/vgabios/vgabios.stdvga.bin');
  const display = debianFile('bochs', 'usr/lib/x86_64-linux-gnu/bochs/plugins/libbx_rfb_gui.so');
  if (!program || !bios || !videoBios || !display) return undefined;
  const bochs = { program, plugins: dirname(display), bios, videoBios };
  const { stdout } = spawnSync(program, ['--help'], { encoding: 'utf8', env: environmentOf(bochs), timeout: 10_000 });
  const version = /Bochs x86 Emulator [\d.]+/.exec(stdout ?? '')?.[0];
  return version === undefined ? undefined : { ...bochs, version };
}

function environmentOf({ plugins, bios }: Pick<Bochs, 'plugins' | 'bios'>): NodeJS.ProcessEnv {
  return { ...process.env, LTDL_LIBRARY_PATH: plugins, BXSHARE: dirname(bios) };
}

/** Runs an image as a floppy disk, with no screen and no more waiting for real time than the guest asks for. */
export function startBochs(bochs: Bochs, image: string, processors = 1): GuestProcess {
  const floppy = `${image}.floppy`;
  const file = openSync(floppy, 'w');
  writeSync(file, readFileSync(image));
  ftruncateSync(file, FLOPPY_SIZE);
  closeSync(file);
  const configuration = `${image}.bochsrc`;
  const lines = [
    'display_library: rfb, options="timeout=0"',
    `romimage: file="${bochs.bios}"`,
    `vgaromimage: file="${bochs.videoBios}"`,
    'megs: 32',
    `floppya: 1_44="${floppy}", status=inserted`,
    'boot: floppy',
    'com1: enabled=1, mode=file, dev=/dev/fd/3',
    `log: "${image}.log"`,
    'panic: action=fatal',
    'error: action=ignore',
    'info: action=ignore',
    `cpu: model=corei7_haswell_4770, count=${processors}, ips=100000000`,
    'clock: sync=none',
    'sound: waveoutdrv=dummy',
    'magic_break: enabled=1',
  ];
  writeFileSync(configuration, lines.map((line) => `${line}\n`).join(''));
  // What Bochs says itself goes away; the serial port is a pipe that only a shell makes.
  const command = 'echo c | timeout "$1" "$2" -q -f "$3" 3>&1 >/dev/null 2>&1 | cat';
  const seconds = String(RUN_TIME_MAX_MS / 1000);
  return spawn('sh', ['-c', command, 'sh', seconds, bochs.program, configuration], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environmentOf(bochs),
  });
}
