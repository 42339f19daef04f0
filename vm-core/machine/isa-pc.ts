/**
 * The machine type `isa-1`: a PC/AT with a PS/2's ports and a VGA (IBM PC/AT and PS/2 Technical References, I/O address
 * map and interrupt levels). This literal is the whole map; nothing else knows an address.
 */
import { createCoprocessorError } from '../devices/coprocessor-error/coprocessor-error.ts';
import { createDebugConsole } from '../devices/debug-console/debug-console.ts';
import { createDebugExit } from '../devices/debug-exit/debug-exit.ts';
import { createDma } from '../devices/dma/dma.ts';
import { createFirmwareConfig } from '../devices/firmware-config/firmware-config.ts';
import { createFloppyController } from '../devices/floppy-controller/floppy-controller.ts';
import { createIde } from '../devices/ide/ide.ts';
import { createIoApic } from '../devices/io-apic/io-apic.ts';
import { createKeyboardController } from '../devices/keyboard-controller/keyboard-controller.ts';
import { createParallelPort } from '../devices/parallel-port/parallel-port.ts';
import { createPic } from '../devices/pic/pic.ts';
import { createPit } from '../devices/pit/pit.ts';
import { createPort92 } from '../devices/port-92/port-92.ts';
import { createPostCode } from '../devices/post-code/post-code.ts';
import { createResetControl } from '../devices/reset-control/reset-control.ts';
import { createRtc } from '../devices/rtc/rtc.ts';
import { createUart } from '../devices/uart/uart.ts';
import { createVga } from '../devices/vga/vga.ts';
import { cpuCount, ONE_CPU } from '../cpu/topology.ts';
import { chosenFacts } from '../isa/cpu-model.ts';
import { guestRam } from '../memory/guest-ram.ts';
import { cmosContents } from './cmos-contents.ts';
import { ramRanges } from './ram-ranges.ts';
import type { MachineMap } from './device-bus.ts';

export const isaPc: MachineMap = {
  interruptControllers: { master: 'pic-master', slave: 'pic-slave' },
  // IRQ 2 is the cascade, so the I/O APIC has the timer there.
  sharedInputs: {
    'pic-master.ir0': 'io-apic.pin2',
    ...Object.fromEntries([1, 3, 4, 5, 6, 7].map((n) => [`pic-master.ir${n}`, `io-apic.pin${n}` as const])),
    ...Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map((n) => [`pic-slave.ir${n}`, `io-apic.pin${n + 8}` as const])),
  },
  floatError: { device: 'coprocessor-error', input: 'ferr' },
  devices: [
    {
      name: 'pic-master',
      create: (context) => createPic(context, 'master'),
      ports: { registers: 0x20, elcr: 0x4d0 },
      lines: { intr: 'machine.intr' },
    },
    {
      name: 'pic-slave',
      create: (context) => createPic(context, 'slave'),
      ports: { registers: 0xa0, elcr: 0x4d1 },
      lines: { intr: 'pic-master.ir2' },
    },
    {
      name: 'io-apic',
      create: createIoApic,
      ports: {},
      memory: { registers: 0xfec00000 },
      isPresent: (config) => chosenFacts(config).features.has('APIC'),
    },
    { name: 'dma', create: createDma, ports: { 'controller-1': 0x00, 'controller-2': 0xc0, pages: 0x81 } },
    {
      name: 'pit',
      create: createPit,
      ports: { registers: 0x40, 'port-b': 0x61 },
      lines: { irq0: 'pic-master.ir0' },
    },
    {
      name: 'keyboard',
      create: createKeyboardController,
      ports: { data: 0x60, command: 0x64 },
      lines: { irq1: 'pic-master.ir1', irq12: 'pic-slave.ir4', a20: 'machine.a20' },
    },
    {
      name: 'rtc',
      create: (context, config) => createRtc(context, cmosContents(config)),
      ports: { registers: 0x70 },
      lines: { irq8: 'pic-slave.ir0' },
    },
    { name: 'post-code', create: createPostCode, ports: { code: 0x80 } },
    { name: 'port-92', create: createPort92, ports: { control: 0x92 }, lines: { a20: 'machine.a20' } },
    {
      name: 'coprocessor-error',
      create: createCoprocessorError,
      ports: { control: 0xf0 },
      lines: { irq: 'pic-slave.ir5', ignne: 'machine.ignne' },
    },
    { name: 'reset-control', create: createResetControl, ports: { control: 0xcf9 } },
    { name: 'debug-console', create: createDebugConsole, ports: { data: 0xe9 } },
    // Where SeaBIOS, its VGA BIOS and OVMF write their log.
    {
      name: 'firmware-console',
      create: createDebugConsole,
      ports: { data: 0x402 },
      isPresent: ({ firmware, vgaFirmware }) => firmware !== 'builtin' || vgaFirmware !== undefined,
    },
    {
      name: 'firmware-config',
      create: (context, config) =>
        createFirmwareConfig(
          context,
          { ramSize: config.memorySize, cpuCount: cpuCount(config.topology ?? ONE_CPU) },
          {
            'etc/e820': ramRanges(guestRam(config)),
            ...(config.vgaFirmware === undefined ? {} : { 'vgaroms/vgabios.bin': config.vgaFirmware }),
          },
        ),
      ports: { registers: 0x510, dma: 0x514 },
    },
    {
      name: 'debug-exit',
      create: createDebugExit,
      ports: { value: 0xf4 },
      isPresent: (config) => config.exitDevice,
    },
    {
      name: 'parallel-1',
      create: createParallelPort,
      ports: { registers: 0x378 },
      lines: { irq: 'pic-master.ir7' },
    },
    { name: 'uart-2', create: createUart, ports: { registers: 0x2f8 }, lines: { irq: 'pic-master.ir3' } },
    {
      name: 'vga',
      create: createVga,
      ports: { registers: 0x3b0, dispi: 0x1ce },
      memory: { window: 0xa0000, linear: 0xe0000000 },
      lines: { irq: 'pic-slave.ir1' },
    },
    {
      name: 'floppy-controller',
      create: (context, config) => createFloppyController(context, config.floppy),
      // 3F6h, between the two, is a hard disk controller's.
      ports: { registers: 0x3f0, change: 0x3f7 },
      lines: { irq: 'pic-master.ir6' },
      dmaChannels: { data: 'dma.channel2' },
    },
    {
      name: 'ide-1',
      create: (context, { disk }) => createIde(context, [disk && { kind: 'hard-disk', store: disk }, undefined]),
      ports: { command: 0x1f0, control: 0x3f6 },
      lines: { irq: 'pic-slave.ir6' },
    },
    {
      name: 'ide-2',
      create: (context, { cdrom }) => createIde(context, [cdrom && { kind: 'cd-rom', store: cdrom }, undefined]),
      ports: { command: 0x170, control: 0x376 },
      lines: { irq: 'pic-slave.ir7' },
    },
    { name: 'uart-1', create: createUart, ports: { registers: 0x3f8 }, lines: { irq: 'pic-master.ir4' } },
  ],
};
