/**
 * `npm run bench`: how fast the machine runs four loops, in million guest instructions a second, and how long it takes to
 * make one. Figures of different computers say nothing about each other; compare before and after a change.
 */
import { createMachine } from '../vm-core/machine/create-machine.ts';
import { findRegister, type Machine, type Register } from '../vm-core/index.ts';

const CS = 1;
const EIP = findRegister('EIP') as Register;
const CODE_ADDRESS = 0x7c00;

/** An endless loop in 16-bit real-mode code at 0000:7C00. */
interface Loop {
  readonly name: string;
  readonly code: string;
  readonly instructions: number;
  /** Bytes moved per instruction on average, for a loop whose work is not counted in instructions. */
  readonly bytesPerInstruction?: number;
}

const LOOPS: readonly Loop[] = [
  {
    name: 'arithmetic',
    // add ax,bx / xor bx,cx / inc cx / jmp
    code: '01 D8  31 CB  41  EB F9',
    instructions: 30_000_000,
  },
  {
    name: 'memory',
    // mov ax,[si+2000h] / add [di+3000h],ax / inc si / and si,0FFFh / jmp
    code: '8B 84 00 20  01 85 00 30  46  81 E6 FF 0F  EB F1',
    instructions: 30_000_000,
  },
  {
    name: 'call',
    // call / jmp back; push ax / pop dx / ret
    code: 'E8 02 00  EB FB  50  5A  C3',
    instructions: 30_000_000,
  },
  {
    name: 'rep movsd',
    // xor si,si / mov di,4000h / mov cx,100h / rep movsd (400h bytes) / jmp
    code: '31 F6  BF 00 40  B9 00 01  F3 66 A5  EB F3',
    instructions: 2_000_000,
    bytesPerInstruction: 0x400 / 5,
  },
];

function newMachine(): Machine {
  return createMachine({
    machineType: 'isa-1',
    cpuModel: '386',
    memorySize: 1 << 20,
    firmware: 'builtin',
    exitDevice: false,
    startTimeMs: 0,
  });
}

/** Runs a number of instructions, through whatever makes `run` come back early. */
function runInstructions(machine: Machine, count: number): void {
  const end = machine.retired + count;
  while (machine.retired < end) {
    const result = machine.run({ instructionsMax: end - machine.retired });
    if (result.reason !== 'limit') throw new Error(`the loop stopped: ${result.reason}`);
  }
}

/** Million instructions a second. */
function measure({ code, instructions }: Loop): number {
  const machine = newMachine();
  const bytes = Uint8Array.from(code.split(/\s+/), (digits) => Number.parseInt(digits, 16));
  machine.memory.write(CODE_ADDRESS, bytes);
  const { state } = machine.cpus[0];
  state.setSegment(CS, { ...state.segment(CS), selector: 0, base: 0 });
  state.writeRegister(EIP, BigInt(CODE_ADDRESS));
  runInstructions(machine, instructions / 10);
  const start = performance.now();
  runInstructions(machine, instructions);
  return instructions / (performance.now() - start) / 1000;
}

const start = performance.now();
newMachine();
console.log(`making a machine: ${(performance.now() - start).toFixed(0)} ms`);
for (const loop of LOOPS) {
  const mips = measure(loop);
  const { name, bytesPerInstruction } = loop;
  const [figure, unit] = bytesPerInstruction === undefined ? [mips, 'MIPS'] : [mips * bytesPerInstruction, 'MB/s'];
  console.log(`${name.padEnd(12)} ${figure.toFixed(1).padStart(7)} ${unit}`);
}
