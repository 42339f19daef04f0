/** A processor of the toy machine: real registers, and a dozen instructions of 16-bit code. */
import { explainWalk } from '../../../vm-core/inspect/explain-walk.ts';
import { PagingRegisters } from '../../../vm-core/memory/paging-rules.ts';
import {
  CpuState,
  findRegister,
  type PagingView,
  type Register,
  type RunOutcome,
  type Vcpu,
} from '../../../vm-core/index.ts';

const STATE_PAGES = 1;
const EFLAGS_IF = 1 << 9;

const rules = new PagingRegisters({ physicalBits: 32, pse36: false, gigabytePages: false });
const NO_PAGING: PagingView = {
  rules,
  read: () => 0,
  explain: (linear, access) => explainWalk(rules, () => 0, linear, access),
  cached: () => [],
  counters: { hits: 0, fills: 0, evictions: 0, spared: 0, flushes: 0 },
};

export class ToyCpu implements Vcpu {
  readonly index: number;
  readonly state = new CpuState(new WebAssembly.Memory({ initial: STATE_PAGES }), 0);
  readonly codeSize = 16;
  readonly mode = 'real';
  readonly paging: PagingView = NO_PAGING;
  readonly codeCounters = { kept: 0, found: 0, decoded: 0, dropped: 0, evicted: 0, evictions: 0, flushes: 0 };
  retired = 0;
  readonly #ram: Uint8Array;

  /** At power-on, with the stack below 7C00h. */
  constructor(index: number, ram: Uint8Array) {
    this.index = index;
    this.#ram = ram;
    this.set('CS.limit', 0xffff);
    this.set('CS.attributes', 0x9b);
    this.set('SS.attributes', 0x93);
    this.set('ESP', 0x7c00 - index * 0x100);
    this.set('EFLAGS', 2);
  }

  get linearEip(): number {
    return (this.get('CS.base') + this.get('EIP')) >>> 0;
  }

  trace(): [] {
    return [];
  }

  branches(): [] {
    return [];
  }

  callStack(): ReturnType<Vcpu['callStack']> {
    return { calls: [], isComplete: false, begin: undefined };
  }

  translate(linear: number): number | undefined {
    return linear < this.#ram.length ? linear : undefined;
  }

  get(name: string): number {
    return Number(this.state.readRegister(registerNamed(name)));
  }

  set(name: string, value: number): void {
    this.state.writeRegister(registerNamed(name), BigInt(value));
  }

  /** Executes an instruction. One that is none stops at its exception if `stopsAtFaults`, else it is delivered. */
  step(stopsAtFaults: boolean): RunOutcome | undefined {
    const at = this.linearEip;
    const opcode = this.#ram[at] ?? 0;
    const operand = this.#ram[at + 1] ?? 0;
    const jump = (length: number, target?: number): void =>
      this.set('EIP', (target ?? this.get('EIP') + length) & 0xffff);
    const relative = (operand << 24) >> 24;
    switch (opcode) {
      case 0x40:
        this.set('EAX', (this.get('EAX') + 1) >>> 0);
        jump(1);
        break;
      case 0x90:
        jump(1);
        break;
      case 0xe8: {
        const after = this.get('EIP') + 3;
        this.#push(after);
        jump(0, after + (operand | ((this.#ram[at + 2] ?? 0) << 8)));
        break;
      }
      case 0xc3:
        jump(0, this.#pop());
        break;
      case 0xcd:
        this.#interrupt(operand, this.get('EIP') + 2);
        break;
      case 0xcf:
        jump(0, this.#pop());
        this.set('CS', this.#pop());
        this.set('CS.base', this.get('CS') << 4);
        this.set('EFLAGS', this.#pop());
        break;
      case 0xeb:
        jump(0, this.get('EIP') + 2 + relative);
        break;
      case 0xe2:
        this.set('ECX', (this.get('ECX') - 1) & 0xffff);
        jump(2, this.get('ECX') === 0 ? undefined : this.get('EIP') + 2 + relative);
        break;
      case 0xf4:
        this.set('HALTED', 1);
        jump(1);
        break;
      default: {
        const place = { cs: this.get('CS'), eip: this.get('EIP'), linearAddress: at };
        const event = { vector: 6, errorCode: undefined, kind: 'exception' as const, ...place };
        if (stopsAtFaults) return { reason: 'exception', event };
        this.#interrupt(6, this.get('EIP'));
      }
    }
    this.retired++;
    return undefined;
  }

  #interrupt(vector: number, returnOffset: number): void {
    this.#push(this.get('EFLAGS'));
    this.#push(this.get('CS'));
    this.#push(returnOffset);
    this.set('EFLAGS', this.get('EFLAGS') & ~EFLAGS_IF);
    const view = new DataView(this.#ram.buffer);
    this.set('EIP', view.getUint16(vector * 4, true));
    this.set('CS', view.getUint16(vector * 4 + 2, true));
    this.set('CS.base', view.getUint16(vector * 4 + 2, true) << 4);
  }

  #push(value: number): void {
    const sp = (this.get('ESP') - 2) & 0xffff;
    this.set('ESP', sp);
    new DataView(this.#ram.buffer).setUint16(this.get('SS.base') + sp, value, true);
  }

  #pop(): number {
    const sp = this.get('ESP');
    this.set('ESP', (sp + 2) & 0xffff);
    return new DataView(this.#ram.buffer).getUint16(this.get('SS.base') + sp, true);
  }
}

function registerNamed(name: string): Register {
  const register = findRegister(name);
  if (!register) throw new Error(`no register ${name}`);
  return register;
}
