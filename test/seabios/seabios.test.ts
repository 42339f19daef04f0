/** Debian's SeaBIOS with its VGA BIOS for ISA machines: it boots what the built-in BIOS boots, through every device. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../debug-adapter/command-line/node-host.ts';
import { keyStrokes } from '../../debug-adapter/session/key-strokes.ts';
import {
  type BlockStore,
  createMachine,
  createOverlayStore,
  type Machine,
  type MachineConfig,
  memorySource,
  type RunResult,
} from '../../vm-core/index.ts';
import { slot } from '../../vm-core/state/layout.ts';
import { bootSector, hasNasm } from '../support/boot-sectors.ts';
import { elToritoDisc } from './el-torito-disc.ts';

const BIOS = '/usr/share/seabios/bios.bin';
const VGA_BIOS = '/usr/share/seabios/vgabios-isavga.bin';
const EXAMPLE = fileURLToPath(new URL('../../examples/bootloader/boot.asm', import.meta.url));

const runnable = hasNasm && [BIOS, VGA_BIOS].every(existsSync);
const TIMEOUT = 120_000;
const SLICE_INSTRUCTIONS = 100_000;
/** Of guest time: more than SeaBIOS ever waits for a drive. */
const SECONDS_MAX = 40;
const MEBIBYTE = 2 ** 20;

function boot(drives: Partial<MachineConfig>): Machine {
  return createMachine({
    machineType: 'isa-1',
    cpuModel: '486',
    memorySize: 16 * MEBIBYTE,
    firmware: new Uint8Array(readFileSync(BIOS)),
    vgaFirmware: new Uint8Array(readFileSync(VGA_BIOS)),
    exitDevice: true,
    startTimeMs: Date.UTC(2026, 0, 1),
    ...drives,
  });
}

/** Runs until something is so; gives how often the machine waited for an image. */
async function runUntil(machine: Machine, reached: (result: RunResult) => boolean): Promise<number> {
  let waits = 0;
  const end = machine.time + SECONDS_MAX * machine.ticksPerSecond;
  for (let timeMax = machine.time; timeMax < end; ) {
    timeMax = Math.max(timeMax, machine.time) + machine.ticksPerSecond / 100;
    const result = machine.run({ instructionsMax: SLICE_INSTRUCTIONS, timeMax });
    if (reached(result)) return waits;
    if (result.reason === 'waiting') {
      waits += 1;
      await result.ready;
    } else expect(result.reason).toBeOneOf(['limit', 'halted']);
  }
  return expect.unreachable(`not reached; the screen shows:\n${machine.display.text()?.join('\n')}`);
}

const shows = (machine: Machine, text: string): boolean =>
  machine.display.text()?.some((row) => row.includes(text)) === true;

const inMemory = (name: string, image: Uint8Array): BlockStore => createOverlayStore(memorySource(name, image));

/** A store whose bytes always come later. */
const farAway = (name: string, image: Uint8Array): BlockStore =>
  createOverlayStore({ name, size: image.length, read: async (at, length) => image.slice(at, at + length) });

describe.skipIf(!runnable)('SeaBIOS (it needs nasm and the package seabios)', () => {
  let example = new Uint8Array();

  beforeAll(async () => {
    const assembled = await createNodeHost().assemble(EXAMPLE);
    expect(assembled.messages).toEqual([]);
    example = new Uint8Array(readFileSync(assembled.image ?? ''));
  });

  /** The boot loader at the start of an image of the given size. */
  const imageOf = (size: number): Uint8Array => {
    const image = new Uint8Array(size);
    image.set(example);
    return image;
  };

  it.each([
    { name: 'a floppy', from: 'Floppy', drive: 'floppy', size: 1440 * 1024, store: inMemory },
    { name: 'a disk that is far away', from: 'Hard Disk', drive: 'disk', size: 20 * MEBIBYTE, store: farAway },
  ] as const)('boots $name', { timeout: TIMEOUT }, async ({ from, drive, size, store }) => {
    const machine = boot({ [drive]: store('boot.img', imageOf(size)) });
    const waits = await runUntil(machine, () => shows(machine, 'Press a key'));
    expect(waits > 0).toBe(store === farAway);
    const rows = machine.display.text()?.filter((row) => row !== '') ?? [];
    expect(rows.slice(0, 5)).toEqual([
      expect.stringMatching(/^SeaBIOS \(version /),
      `Booting from ${from}...`,
      'Stage 1: booted, reading stage 2',
      'Stage 2: running at 0000:8000',
      'A20 gate: on',
    ]);
    expect(rows).toContain('  0000000000100000  0000000000F00000  usable');

    for (const key of keyStrokes('x')) machine.input('keyboard', 'keys', key);
    await runUntil(machine, () => machine.display.text() === undefined);
    await runUntil(machine, () => shows(machine, 'All done'));
    expect(shows(machine, 'Protected mode was visited')).toBe(true);
  });

  it('starts all processors, and lets the others sleep', { timeout: TIMEOUT }, async () => {
    const messages: number[] = [];
    const topology = { packages: 1, coresPerPackage: 2, threadsPerCore: 2 };
    const machine = boot({ cpuModel: 'core2', topology, floppy: inMemory('boot.img', imageOf(2048)) });
    machine.onOutput = (device, _, bytes) => {
      if (device === 'firmware-console') messages.push(...bytes);
    };
    await runUntil(machine, () => shows(machine, 'Press a key'));
    expect(String.fromCharCode(...messages)).toContain('Found 4 cpu(s) max supported 4 cpu(s)');
    const others = machine.cpus.slice(1).map(({ state, retired }) => [state.read8(slot.HALTED), retired > 0]);
    expect(others).toEqual(Array(3).fill([1, true]));
  });

  it('lends its VGA BIOS to the built-in BIOS', { timeout: TIMEOUT }, async () => {
    const machine = boot({ firmware: 'builtin', floppy: inMemory('boot.img', imageOf(2048)) });
    await runUntil(machine, () => shows(machine, 'Press a key'));
    // INT 10h leads into the option ROM.
    expect([...machine.memory.read(0x42, 2)]).toEqual([0x00, 0xc0]);
    expect(machine.display.text()?.[0]).toBe('x86 VM Debugger BIOS');
    for (const key of keyStrokes('x')) machine.input('keyboard', 'keys', key);
    await runUntil(machine, () => shows(machine, 'All done'));
  });

  it('boots a CD-ROM', { timeout: TIMEOUT }, async () => {
    // The exit value is the letter that comes after what stage 2 holds: sectors of a disc have 2,048 bytes.
    const sector = bootSector(`
      xor ax, ax
      mov ds, ax
      mov [packet + 8], dword 21
      mov si, packet
      mov ah, 42h
      int 13h
      jc failed
      mov al, [9000h]
      inc al
      jmp tell
failed: mov al, ah
tell:   out 0f4h, al
packet: dw 16, 1, 9000h, 0, 21, 0, 0, 0`);
    const second = new Uint8Array(2048).fill(0x41);
    const machine = boot({ cdrom: inMemory('disc.iso', elToritoDisc(sector, [second])) });
    let last: RunResult | undefined;
    await runUntil(machine, (result) => {
      last = result;
      return result.reason === 'request';
    });
    expect(last).toMatchObject({ reason: 'request', request: { kind: 'exit', value: 0x42 } });
  });

  it('boots again after a reset, with its ROM as it was', { timeout: TIMEOUT }, async () => {
    const sector = bootSector(`
      mov al, 0feh
      out 64h, al`);
    const machine = boot({ disk: inMemory('reset.img', sector) });
    const resets: number[] = [];
    for (let round = 0; round < 2; round += 1) {
      await runUntil(machine, (result) => result.reason === 'request' && result.request.kind === 'reset');
      resets.push(machine.cpus[0].linearEip & 0xfe00);
      machine.reset();
    }
    expect(resets).toEqual([0x7c00, 0x7c00]);
  });

  it('tells its log at port 402h', { timeout: TIMEOUT }, async () => {
    const machine = boot({});
    let log = '';
    machine.onOutput = (device, _channel, bytes) => {
      if (device === 'firmware-console') log += String.fromCharCode(...bytes);
    };
    await runUntil(machine, () => shows(machine, 'No bootable device'));
    expect(log).toMatch(/^SeaBIOS \(version /);
    for (const line of [
      'qemu/e820: addr 0x0000000000000000 len 0x0000000001000000 [RAM]',
      'Found 1 lpt ports',
      'Found 2 serial ports',
      'PS2 keyboard initialized',
    ]) {
      expect(log).toContain(line);
    }
  });
});
