/**
 * The machine without debugger and editor: boots a sector that is made here, watches it, and looks into it.
 *
 *     node examples/embedding/boot-sector.ts
 *
 * Everything comes through one door, `vm-core/index.ts`. The machine has no clock, no files and no output of its own; an
 * embedder passes in what it needs and calls `run`.
 */
import { createMachine, createOverlayStore, findRegister, type Machine, memorySource } from '../../vm-core/index.ts';

/** Prints "Hi!" with INT 10h, sends it to the debug console too, and ends with the exit device. */
const CODE = [
  ...[0x31, 0xc0, 0x8e, 0xd8], //       xor ax, ax ; mov ds, ax
  ...[0xbe, 0x16, 0x7c], //             mov si, text
  ...[0xac, 0x84, 0xc0], //       next: lodsb ; test al, al
  ...[0x74, 0x08], //                   jz done
  ...[0xe6, 0xe9], //                   out 0xe9, al
  ...[0xb4, 0x0e, 0xcd, 0x10], //       mov ah, 0x0e ; int 0x10
  ...[0xeb, 0xf3], //                   jmp next
  ...[0xe6, 0xf4], //             done: out 0xf4, al
  ...[0x48, 0x69, 0x21, 0x00], // text: "Hi!"
];

const BOOT_SECTOR_ADDRESS = 0x7c00;
const SECTOR_SIZE = 512;

function makeDisk(): Uint8Array {
  const sector = new Uint8Array(SECTOR_SIZE);
  sector.set(CODE);
  sector.set([0x55, 0xaa], SECTOR_SIZE - 2);
  return sector;
}

function makeMachine(): Machine {
  return createMachine({
    machineType: 'isa-1',
    cpuModel: '386',
    memorySize: 16 * 2 ** 20,
    firmware: 'builtin',
    // The guest's writes stay in the overlay; a `BlockSource` of your own may read from anywhere, also later.
    disk: createOverlayStore(memorySource('hello.img', makeDisk())),
    exitDevice: true,
    startTimeMs: Date.UTC(2000, 0, 1),
  });
}

/** Value of a register by its name in the register table. */
function readRegister(machine: Machine, name: string): bigint {
  const register = findRegister(name);
  if (register === undefined) throw new Error(`no register ${name}`);
  return machine.cpus[0].state.readRegister(register);
}

/** Runs until the machine has something to say; a machine that needs disk data or sleeps is simply run again. */
async function runToStop(machine: Machine): Promise<string> {
  for (;;) {
    const result = machine.run({ instructionsMax: 1_000_000, resume: true });
    if (result.reason === 'waiting') await result.ready;
    else if (result.reason === 'request' && result.request.kind === 'exit') return `exit ${result.request.value}`;
    else if (result.reason !== 'limit' && result.reason !== 'halted') return result.reason;
  }
}

const machine = makeMachine();

let debugConsole = '';
machine.onOutput = (_device, channel, bytes) => {
  if (channel === 'debugcon') debugConsole += String.fromCharCode(...bytes);
};
machine.onLog = (message) => console.log(`the guest did something that is not modelled: ${message}`);

// A breakpoint costs nothing where it is not. `reached` may look around and let the machine go on.
machine.addBreakpoint({ address: BOOT_SECTOR_ADDRESS, space: 'linear', reached: () => true });
console.log(`stopped: ${await runToStop(machine)}, after ${machine.retired} instructions of the BIOS`);
console.log(`DL, the drive we come from: ${(readRegister(machine, 'EDX') & 0xffn).toString(16)}h`);
console.log(`first bytes at 7C00h: ${Buffer.from(machine.memory.read(BOOT_SECTOR_ADDRESS, 4)).toString('hex')}`);

// Everything that comes from outside goes through the input log, so that the run can be repeated exactly.
machine.input('keyboard', 'keys', Uint8Array.of(0x1e, 0x9e));

console.log(`stopped: ${await runToStop(machine)}`);
console.log(`debug console: ${debugConsole}`);
console.log(`screen: ${machine.display.text()?.find((row) => row.includes('Hi!'))}`);

const { width, height } = machine.display.render();
console.log(`picture: ${width} by ${height} pixels`);
