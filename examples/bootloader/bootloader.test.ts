/** The example boot loader: what it shows, from a hard disk and from a floppy, and where its lines and labels are. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../debug-adapter/command-line/node-host.ts';
import { keyStrokes } from '../../debug-adapter/session/key-strokes.ts';
import { loadSymbols } from '../../debug-adapter/symbols/load-symbols.ts';
import { createMachine, createOverlayStore, type Machine, memorySource } from '../../vm-core/index.ts';

const source = fileURLToPath(new URL('boot.asm', import.meta.url));
const SLICE_INSTRUCTIONS = 20_000;
const SLICES_MAX = 1_000;
/** Red, green and blue. */
const WHITE = [255, 255, 255];

function hasNasm(): boolean {
  try {
    execFileSync('nasm', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe.skipIf(!hasNasm())('the boot loader', () => {
  let image = new Uint8Array();
  let listing = '';

  beforeAll(async () => {
    const assembled = await createNodeHost().assemble(source);
    expect(assembled.messages).toEqual([]);
    image = new Uint8Array(readFileSync(assembled.image ?? ''));
    listing = readFileSync(assembled.listing ?? '', 'utf8');
  });

  function boot(drive: 'floppy' | 'disk', memorySize: number): Machine {
    const store = createOverlayStore(memorySource('boot.img', image));
    const rest = { firmware: 'builtin', exitDevice: false, startTimeMs: 0, memorySize, [drive]: store } as const;
    return createMachine({ machineType: 'isa-1', cpuModel: '386', ...rest });
  }

  async function runUntil(machine: Machine, reached: () => boolean): Promise<void> {
    // A machine that sleeps stays where it is until it may reach its next event.
    let timeMax = machine.time;
    for (let slice = 0; slice < SLICES_MAX; slice += 1) {
      if (reached()) return;
      timeMax = Math.max(timeMax, machine.time) + machine.ticksPerSecond / 100;
      const result = machine.run({ instructionsMax: SLICE_INSTRUCTIONS, timeMax });
      if (result.reason === 'waiting') await result.ready;
      else expect(result.reason).toBeOneOf(['limit', 'halted']);
    }
    expect.unreachable(`not reached; the screen shows:\n${machine.display.text()?.join('\n')}`);
  }

  const shows = (machine: Machine, text: string): boolean =>
    machine.display.text()?.some((row) => row.includes(text)) === true;

  it.each([
    ['floppy', 2],
    ['disk', 64],
  ] as const)('goes all the way from a %s with %i MiB', async (drive, mebibytes) => {
    const machine = boot(drive, mebibytes * 2 ** 20);
    await runUntil(machine, () => shows(machine, 'Press a key'));
    const rows = machine.display.text()?.filter((row) => row !== '') ?? [];
    expect(rows.slice(rows.findIndex((row) => row.startsWith('Stage 1')))).toEqual([
      'Stage 1: booted, reading stage 2',
      'Stage 2: running at 0000:8000',
      'A20 gate: on',
      'Memory map:',
      expect.stringMatching(/^ {2}0{16} {2}0{11}9F[0-9A-F]{3} {2}usable$/),
      ...rows.slice(rows.findIndex((row) => row.startsWith('Memory map')) + 2, -1),
      'Press a key for a picture',
    ]);
    expect(rows).toContainEqual(expect.stringMatching(/^ {2}0000000000100000 {2}[0-9A-F]{16} {2}usable$/));

    for (const key of keyStrokes('x')) machine.input('keyboard', 'keys', key);
    await runUntil(machine, () => machine.display.text() === undefined && pixel(machine, 0, 0).join() === WHITE.join());
    expect(pixel(machine, 319, 199)).toEqual(WHITE);
    expect(pixel(machine, 160, 100)).toEqual([0, 0, 255]);
    expect(pixel(machine, 1, 100)).not.toEqual(WHITE);

    await runUntil(machine, () => shows(machine, 'All done'));
    expect(shows(machine, 'Protected mode was visited, it answered 00000386')).toBe(true);
  });

  it('has lines and labels of three modules at three load addresses', async () => {
    const imageName = 'boot.img';
    const { table, warnings } = await loadSymbols([{ listingName: 'boot.lst', listing, source, image, imageName }]);
    expect(warnings).toEqual([]);
    expect(table.label('start')).toBe(0x7c00);
    expect(table.label('stage2_start')).toBe(0x8000);
    expect(table.label('protected_start')).toBe(0x10_0000);
    expect(table.label('read_by_geometry.attempt')).toBeGreaterThan(0x7c00);
    expect(table.lineAt(0x7c00)?.file).toBe(source);
    expect(table.lineAt(0x8000)?.file).toMatch(/stage2\.asm$/);
    expect(table.lineAt(0x10_0000)?.file).toMatch(/protected\.asm$/);
    // `say` is a macro of two instructions: the first is at its use, the second in its body.
    expect(table.lineBoundaries(0x8000, 0x8006)).toEqual([0x8000, 0x8003]);
    expect(table.lineAt(0x8003)).toMatchObject({ file: expect.stringMatching(/macros\.inc$/), line: 6, exact: true });
  });
});

/** Red, green and blue of a pixel of the guest's 320 by 200, whatever size the picture has. */
function pixel(machine: Machine, x: number, y: number): number[] {
  const { width, height, pixels } = machine.display.render();
  const column = Math.floor(((x + 0.5) * width) / 320);
  const row = Math.floor(((y + 0.5) * height) / 200);
  return [...pixels.slice((row * width + column) * 4, (row * width + column) * 4 + 3)];
}
