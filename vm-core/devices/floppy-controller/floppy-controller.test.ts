import { describe, expect, it } from 'vitest';
import { createTestBench, hex, readPort, writePort } from '../test-bench.ts';
import { bench, DOR, DSR, FIFO, imageOf, MS, MSR, RATE_250, READ, SECOND, storeOf } from './floppy-bench.ts';
import { createFloppyController } from './floppy-controller.ts';
import { SPEED_UP } from './media.ts';

describe('82077AA reset', () => {
  it('interrupts when its drives were polled, and each of them has news', () => {
    const around = createTestBench();
    const device = createFloppyController(around.context, storeOf(imageOf(1440)));
    expect(readPort(device, 'registers', MSR)).toBe(0);
    writePort(device, 'registers', DOR, 0x0c);
    expect(readPort(device, 'registers', MSR)).toBe(0x80);
    around.advance(2 * MS);
    expect(around.lines.get('irq')).toBe(true);
    const senses = Array.from({ length: 5 }, () => {
      writePort(device, 'registers', FIFO, 0x08);
      const bytes: number[] = [];
      while (readPort(device, 'registers', MSR) === 0xd0) bytes.push(readPort(device, 'registers', FIFO));
      return bytes.map(hex).join(' ');
    });
    expect(senses).toEqual(['C0 00', 'C1 00', 'C2 00', 'C3 00', '80']);
    expect(around.lines.get('irq')).toBe(false);
  });

  it('comes by the DSR, too, and ends what was going on', () => {
    const { command, write, untilInterrupt, senseInterrupt, status, advance, result } = bench();
    command(READ, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    expect(status()).toBe(0x10);
    write(DSR, 0x80);
    expect(status()).toBe(0x80);
    untilInterrupt();
    expect(senseInterrupt()).toBe('C0 00');
    advance(SECOND);
    expect(result()).toBe('');
  });

  it('keeps silent without the gate of the DOR, and ignores commands while it is held', () => {
    const { write, advance, irq, command, status } = bench();
    write(DOR, 0x10);
    command(0x10);
    expect(status()).toBe(0);
    write(DOR, 0x14);
    advance(2 * MS);
    expect(irq()).toBe(false);
    write(DOR, 0x1c);
    expect(irq()).toBe(true);
  });

  it('forgets CONFIGURE unless it is locked; without polling nothing interrupts', () => {
    const { command, result, write, shown, advance, irq } = bench();
    command(0x13, 0x00, 0x57, 0x00);
    write(DSR, 0x80);
    expect(shown()['CONFIGURE']).toBe(0x20);
    command(0x13, 0x00, 0x57, 0x00);
    command(0x94);
    expect(result()).toBe('10');
    write(DSR, 0x80);
    advance(10 * MS);
    expect([shown()['CONFIGURE'], irq()]).toEqual([0x57, false]);
    command(0x14);
    expect(result()).toBe('00');
  });
});

describe('82077AA commands without a disk', () => {
  it.each([
    { name: 'VERSION', bytes: [0x10], expected: '90' },
    { name: 'SENSE DRIVE STATUS at track 0', bytes: [0x04, 0x04], expected: '3C' },
    { name: 'SENSE DRIVE STATUS of no drive', bytes: [0x04, 0x01], expected: '29' },
    { name: 'SENSE INTERRUPT STATUS without one', bytes: [0x08], expected: '80' },
    { name: 'DUMPREG', bytes: [0x0e], expected: '00 00 00 00 DF 02 00 00 20 00' },
    { name: 'PART ID, which the 82078 has', bytes: [0x18], expected: '80' },
    { name: 'an invalid command', bytes: [0x1f], expected: '80' },
    { name: 'a command with options it does not have', bytes: [0xc8], expected: '80' },
  ])('$name', ({ bytes, expected }) => {
    const { command, result, irq, status } = bench();
    command(...bytes);
    expect([result(), irq(), status()]).toEqual([expected, false, 0x80]);
  });

  it('DUMPREG shows what was said', () => {
    const { command, result, transfer } = bench();
    transfer(READ, { end: 9 });
    command(0x12, 0x83);
    command(0x13, 0x00, 0x4a, 0x10);
    command(0x03, 0xaf, 0x02);
    command(0x0f, 0x02, 0x07);
    command(0x0e);
    expect(result()).toBe('00 00 07 00 AF 02 09 03 4A 10');
  });

  it('PERPENDICULAR MODE keeps the drives where bit 7 is clear', () => {
    const { command, device } = bench();
    command(0x12, 0xbc);
    command(0x12, 0x03);
    expect(device.state.perpendicular).toBe(0x3f);
    command(0x12, 0x80);
    expect(device.state.perpendicular).toBe(0);
  });

  it('is busy between the bytes of a command', () => {
    const { command, status } = bench();
    command(0x03);
    expect(status()).toBe(0x90);
  });

  it('reads as a floating bus where AT mode has no register', () => {
    const { device, fifo } = bench();
    expect([0, 1].map((offset) => readPort(device, 'registers', offset))).toEqual([0xff, 0xff]);
    expect(fifo()).toBe(0xff);
  });
});

describe('82077AA seeks', () => {
  it('take the step rate times the tracks', () => {
    const { command, untilInterrupt, senseInterrupt, status, device } = bench();
    command(0x0f, 0x00, 20);
    expect(status()).toBe(0x81);
    // A step rate of Dh is 3 ms at 500 kbit/s.
    expect(untilInterrupt()).toBe((60 * MS) / SPEED_UP);
    expect([senseInterrupt(), status()]).toEqual(['20 14', 0x80]);
    writePort(device, 'change', 0, RATE_250);
    command(0x07, 0x00);
    expect(untilInterrupt()).toBe((120 * MS) / SPEED_UP);
    expect(senseInterrupt()).toBe('20 00');
  });

  it('may overlap on several drives', () => {
    const { command, untilInterrupt, advance, senseInterrupt, status } = bench();
    command(0x0f, 0x00, 2);
    command(0x0f, 0x01, 1);
    expect(status()).toBe(0x83);
    untilInterrupt();
    advance(10 * MS);
    expect([senseInterrupt(), senseInterrupt(), senseInterrupt()]).toEqual(['21 01', '20 02', '80']);
  });

  it('go relative to the present cylinder', () => {
    const { command, untilInterrupt, senseInterrupt } = bench();
    command(0xcf, 0x00, 5);
    untilInterrupt();
    expect(senseInterrupt()).toBe('20 05');
    command(0x8f, 0x00, 2);
    untilInterrupt();
    expect(senseInterrupt()).toBe('20 03');
  });

  it('find no track 0 on a drive that is not there', () => {
    const { command, untilInterrupt, senseInterrupt } = bench();
    command(0x07, 0x01);
    untilInterrupt();
    expect(senseInterrupt()).toBe('71 00');
  });

  it('end the change signal with the first step', () => {
    const { device, seek, write } = bench();
    const changed = (): number => readPort(device, 'change');
    expect(changed()).toBe(0x80);
    seek(0);
    expect(changed()).toBe(0x80);
    seek(1);
    expect(changed()).toBe(0);
    write(DOR, 0x0c);
    expect(changed()).toBe(0);
  });
});
