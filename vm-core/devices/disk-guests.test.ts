/** Disk controllers under a real processor, with images that are there at once and images that come later. */
import { describe, expect, it } from 'vitest';
import type { BlockSource } from '../machine/block-store.ts';
import type { Machine, RunResult } from '../machine/machine.ts';
import { createOverlayStore, memorySource } from '../machine/overlay-block-store.ts';
import {
  endOfInterrupt,
  endOfSlaveInterrupt,
  guest,
  HANDLER,
  handlerOf,
  out,
  programPics,
  setVector,
} from './rom-guest.ts';

const SECTOR = 512;
const BUFFER = 0x1000;
const STI = 0xfb;
const HLT = 0xf4;
const exit = out(0xf4, 0x2a);

const image = Uint8Array.from({ length: 1440 * 1024 }, (_, index) => (index * 7 + (index >> 9)) & 0xff);

const farSource: BlockSource = {
  name: 'far.img',
  size: image.length,
  read: async (offset, length) => image.slice(offset, offset + length),
};

/** Runs to the end; gives how often the machine waited for its host. */
async function runToEnd(machine: Machine): Promise<{ result: RunResult; waits: number }> {
  for (let waits = 0; ; ) {
    const result = machine.run({ instructionsMax: 1_000_000 });
    if (result.reason === 'waiting') {
      waits += 1;
      await result.ready;
    } else if (result.reason !== 'limit') return { result, waits };
  }
}

const EXITED: RunResult = { reason: 'request', request: { kind: 'exit', value: 0x2a }, cpu: 0 };

describe('the floppy controller', () => {
  /** Reset; DMA channel 2 to the buffer; READ DATA of cylinder 0, head 1, sector 3; each of them waits in HLT. */
  const program = [
    ...programPics,
    ...out(0x21, 0xbf),
    ...setVector(0x0e, HANDLER),
    ...[out(0xd6, 0xc0), out(0xd4, 0x00), out(0x0c, 0x00), out(0x0b, 0x46)].flat(),
    ...[out(0x04, BUFFER & 0xff), out(0x04, BUFFER >> 8), out(0x05, 0xff), out(0x05, 0x01), out(0x81, 0)].flat(),
    ...out(0x0a, 0x02),
    ...out(0x3f2, 0x1c),
    ...[STI, HLT],
    // SENSE INTERRUPT STATUS: IN AL,DX twice
    ...Array.from({ length: 4 }, () => [...out(0x3f5, 0x08), 0xec, 0xec]).flat(),
    ...out(0x3f7, 0x00),
    ...[0x03, 0xdf, 0x02, 0x46, 0x04, 0, 1, 3, 2, 18, 0x1b, 0xff].flatMap((byte) => out(0x3f5, byte)),
    HLT,
    ...exit,
  ];

  it('reads the same at the same time, whenever the image comes', async () => {
    const ends = [];
    for (const source of [memorySource('near.img', image), farSource]) {
      const floppy = createOverlayStore(source);
      const { machine } = guest(program, handlerOf(...endOfInterrupt), { floppy });
      const { result, waits } = await runToEnd(machine);
      expect([result, waits]).toEqual([EXITED, source === farSource ? 1 : 0]);
      expect(machine.memory.read(BUFFER, SECTOR)).toEqual(image.slice(20 * SECTOR, 21 * SECTOR));
      ends.push([machine.time, machine.retired]);
    }
    expect(ends[1]).toEqual(ends[0]);
  });

  it('tells the embedder what went wrong with the image', async () => {
    const source = { ...farSource, read: () => Promise.reject(new Error('far.img: gone')) };
    const { machine } = guest(program, handlerOf(...endOfInterrupt), { floppy: createOverlayStore(source) });
    await expect(runToEnd(machine)).rejects.toThrow('far.img: gone');
  });
});

describe('an ATA channel', () => {
  /** READ SECTORS of two sectors by interrupts, each sector with REP INSW; then what the second channel says. */
  const readSector = [STI, HLT, 0xba, 0xf7, 0x01, 0xec, 0xba, 0xf0, 0x01, 0xb9, 0x00, 0x01, 0xf3, 0x6d];
  const program = [
    ...programPics,
    ...[...out(0x21, 0xfb), ...out(0xa1, 0xbf)],
    ...setVector(0x76, HANDLER),
    ...[0x31, 0xc0, 0x8e, 0xc0, 0xbf, BUFFER & 0xff, BUFFER >> 8, 0xfc], // ES = 0; MOV DI,BUFFER; CLD
    ...[out(0x1f2, 2), out(0x1f3, 0x34), out(0x1f4, 0x05), out(0x1f5, 0), out(0x1f6, 0xe0), out(0x1f7, 0x20)].flat(),
    ...[...readSector, ...readSector],
    ...exit,
  ];

  it('reads the same at the same time, whenever the image comes', async () => {
    const ends = [];
    for (const source of [memorySource('near.img', image), farSource]) {
      const { machine } = guest(program, handlerOf(...endOfSlaveInterrupt), { disk: createOverlayStore(source) });
      const { result, waits } = await runToEnd(machine);
      expect([result, waits]).toEqual([EXITED, source === farSource ? 1 : 0]);
      expect(machine.memory.read(BUFFER, 2 * SECTOR)).toEqual(image.slice(0x534 * SECTOR, 0x536 * SECTOR));
      ends.push([machine.time, machine.retired]);
    }
    expect(ends[1]).toEqual(ends[0]);
  });
});
