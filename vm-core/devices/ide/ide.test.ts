import { describe, expect, it } from 'vitest';
import {
  BUSY,
  bench,
  COMMAND,
  cdRom,
  COUNT,
  DATA_REQUEST,
  DEVICE,
  ERROR,
  FEATURES,
  HIGH,
  hardDisk,
  LBA,
  LOW,
  MID,
  READY,
  SECOND,
  STATUS,
} from './ide-bench.ts';

const READ = 0x20;
const DIAGNOSTIC = 0x90;

describe('an ATA channel', () => {
  it('reads as a floating bus without drives', () => {
    const { read, alternateStatus, write, irq } = bench(undefined);
    write(COMMAND, 0xec);
    write(DEVICE, SECOND);
    expect([read(STATUS), read(COUNT), read(0), alternateStatus(), irq()]).toEqual([0xff, 0xff, 0xff, 0xff, false]);
  });

  it('shows the signatures of its drives after reset', () => {
    const disk = bench();
    expect([disk.registers(), disk.read(ERROR), disk.read(STATUS)]).toEqual([[1, 1, 0, 0, 0], 1, READY]);
    const disc = bench(cdRom(10));
    expect([disc.registers(), disc.read(ERROR), disc.read(STATUS)]).toEqual([[1, 1, 0x14, 0xeb, 0], 1, 0]);
  });

  it('lets device 0 answer for a device 1 that is not there, with a status of 0', () => {
    const { write, read, alternateStatus, settle, irq } = bench();
    write(DEVICE, SECOND);
    write(COUNT, 0x55);
    write(LOW, 0xaa);
    expect([read(COUNT), read(LOW), read(DEVICE), read(STATUS), alternateStatus()]).toEqual([0x55, 0xaa, SECOND, 0, 0]);
    write(COMMAND, 0xec);
    expect([settle(), irq()]).toEqual([0, false]);
  });

  it('gives each drive its own status and interrupt', () => {
    const { command, write, read, irq } = bench(hardDisk(100), hardDisk(200));
    expect(command(0xec, { device: SECOND })).toBe(DATA_REQUEST);
    expect(irq()).toBe(true);
    write(DEVICE, 0);
    expect([read(STATUS), irq()]).toEqual([READY, false]);
    write(DEVICE, SECOND);
    expect([irq(), read(STATUS), irq()]).toEqual([true, DATA_REQUEST, false]);
  });

  it('answers interrupts with the status, not with the alternate one, and keeps them in with nIEN', () => {
    const { command, alternateStatus, read, irq, control } = bench();
    command(READ);
    alternateStatus();
    expect(irq()).toBe(true);
    control(0x02);
    expect(irq()).toBe(false);
    control(0x00);
    expect(irq()).toBe(true);
    read(STATUS);
    expect(irq()).toBe(false);
  });

  it('is busy while a drive works, and does not listen', () => {
    const { write, alternateStatus, read, advance, settle } = bench();
    write(LOW, 5);
    write(DEVICE, LBA);
    write(COUNT, 1);
    write(COMMAND, READ);
    expect(alternateStatus()).toBe(BUSY);
    write(COUNT, 9);
    write(COMMAND, 0x70);
    advance(100 * 200);
    expect([settle(), read(LOW)]).toEqual([DATA_REQUEST, 5]);
  });

  it('resets both drives by the control register', () => {
    const { command, control, alternateStatus, registers, write, irq } = bench(hardDisk(100), cdRom(10));
    command(READ, { lba: 7 });
    write(DEVICE, SECOND);
    control(0x04);
    expect([alternateStatus(), irq()]).toEqual([BUSY, false]);
    control(0x00);
    expect([alternateStatus(), registers(), irq()]).toEqual([READY, [1, 1, 0, 0, 0], false]);
    write(DEVICE, SECOND);
    expect([alternateStatus(), registers()]).toEqual([0, [1, 1, 0x14, 0xeb, SECOND]]);
  });

  it('tests both drives on command and interrupts for device 0', () => {
    const { write, read, irq, registers } = bench(hardDisk(100), cdRom(10));
    write(DEVICE, SECOND);
    write(COMMAND, DIAGNOSTIC);
    expect([irq(), read(ERROR), registers(), read(STATUS), irq()]).toEqual([true, 1, [1, 1, 0, 0, 0], READY, false]);
  });

  it('keeps what registers held before for 48-bit values', () => {
    const { write, read, control } = bench();
    for (const offset of [FEATURES, COUNT, LOW, MID, HIGH]) write(offset, 0x10 + offset, 0x20 + offset);
    expect([COUNT, LOW, MID, HIGH].map(read)).toEqual([0x22, 0x23, 0x24, 0x25]);
    control(0x80);
    expect([COUNT, LOW, MID, HIGH].map(read)).toEqual([0x12, 0x13, 0x14, 0x15]);
    write(COUNT, 0);
    expect(read(LOW)).toBe(0x23);
  });

  it('moves two words with a 32-bit access to the data register', () => {
    const { command, device, words, settle } = bench();
    command(READ, { lba: 0x123 });
    expect(device.ports['command']?.read(0, 4)).toBe(0x0123);
    expect(words(255).length).toBe(255);
    command(0xe8);
    for (let at = 0; at < 128; at += 1) device.ports['command']?.write(0, 4, 0x4433_2211);
    settle();
    command(0xe4);
    expect([device.ports['command']?.read(0, 4), words(1)]).toEqual([0x4433_2211, [0x2211]]);
  });

  it('gives nothing and takes nothing over the data register that no drive asked for', () => {
    const { word, writeWord, read } = bench();
    writeWord(0x1234);
    expect([word(), read(STATUS)]).toEqual([0, READY]);
  });
});
