/**
 * Our processor as Linux has this machine's: level 3 of long mode with the pages and descriptors of oracle.c. Every
 * exception is delivered to a handler of its own at level 0, which halts; the frame on its stack tells the rest.
 */
import { type BareMachine, createBareMachine } from '../../vm-core/engine/bare-machine.ts';
import type { Engine } from '../../vm-core/engine/compiler/tiers.ts';
import { RAM_BASE } from '../../vm-core/memory/layout.ts';
import * as bits from '../../vm-core/state/control-bits.ts';
import { FS, GS, internal, longGeneralSlots, SEGMENT_BASE, segmentSlots, slot } from '../../vm-core/state/layout.ts';
import * as world from './case.ts';
import { loadState, storeState } from './unit-state.ts';

const KERNEL = 0xffff_8000_0000_0000n;
const [PML4, GDT, IDT, LDT, TASK, HANDLERS, STACK] = [0x10000, 0x20000, 0x21000, 0x22000, 0x23000, 0x24000, 0x26000];
const MEMORY_SIZE = 0x40000;
const [TASK_SELECTOR, LDT_SELECTOR, KERNEL_CODE] = [0x40, 0x50, 0x10];
const [P, W, U, D, LARGE] = [1n, 2n, 4n, 0x60n, 0x80n];
const NX = 1n << 63n;
const CR0 = (bits.CR0_PG | bits.CR0_AM | bits.CR0_WP | bits.CR0_NE | bits.CR0_ET | bits.CR0_MP | bits.CR0_PE) >>> 0;

const FS_BASE = (segmentSlots[FS] as number) + SEGMENT_BASE;
const GS_BASE = (segmentSlots[GS] as number) + SEGMENT_BASE;

/** Vectors that programs may call by INT n: Linux has gates of level 3 there. */
const CALLABLE: readonly number[] = [3, 4];
const WITH_ERROR: ReadonlySet<number> = new Set([8, 10, 11, 12, 13, 14, 17]);

/** Base, limit and attributes of a selector's descriptor; byte 5 in the low, the flags in the high bits. */
type Descriptor = readonly [base: number, limit: number, attributes: number];

const GLOBAL: Readonly<Record<number, Descriptor>> = {
  8: [0, 0xffffffff, 0xc9b],
  16: [0, 0xffffffff, 0xa9b],
  24: [0, 0xffffffff, 0xc93],
  32: [0, 0xffffffff, 0xcfb],
  40: [0, 0xffffffff, 0xcf3],
  48: [0, 0xffffffff, 0xafb],
  64: [0, 0x67, 0x08b],
  80: [0, 0x37, 0x082],
};

/** What Linux makes of the table in oracle.c: level 3, accessed, AVL as it says. */
const LOCAL: readonly Descriptor[] = [
  [0x8000, 0xfff, 0x5f3],
  [0, 0xffffffff, 0xdf1],
  [0, 0x8dff, 0x5f7],
  [0, 0xffff, 0x573],
  [0, 0xffffffff, 0xdf9],
  [0, 0xffff, 0x1fb],
  [0, 0xffff, 0x1f3],
];

function descriptorBytes([base, limit, attributes]: Descriptor): bigint {
  const field = attributes & 0x800 ? limit >>> 12 : limit;
  const low = (BigInt(base & 0xffffff) << 16n) | BigInt(field & 0xffff);
  const high =
    (base >>> 24) * 2 ** 24 + (((attributes >> 8) & 15) << 20) + ((field >>> 16) << 16) + ((attributes & 0xff) << 8);
  return low | (BigInt(high) << 32n);
}

/** Which of the two tables, and where in it. */
function descriptorOf(selector: number): Descriptor {
  const found = (selector & 4) !== 0 ? LOCAL[selector >> 3] : GLOBAL[selector & ~7];
  return found ?? [0, 0, 0];
}

export class OurProcessor {
  /** Cases of which compiled code has executed something. */
  inCompiledCode = 0;
  /** Where the case's instruction is. */
  #rip = 0;
  readonly #machine: BareMachine;
  readonly #view: DataView;

  constructor(engine?: Engine) {
    this.#machine = createBareMachine(MEMORY_SIZE, undefined, 'max', undefined, engine);
    const { processor } = this.#machine;
    // Blocks of one instruction, which are counted where they are left.
    if (processor.compiler) processor.code.isHooked = (linear) => linear !== this.#rip;
    this.#view = new DataView(this.#machine.map.view.buffer, RAM_BASE, MEMORY_SIZE);
    this.#writePageTables();
    this.#writeDescriptors();
    this.#writeGates();
    this.#enterLongMode();
  }

  #write(at: number, value: bigint): void {
    this.#view.setBigUint64(at, value, true);
  }

  /** The user's pages below 64 KiB, and all of memory for the kernel in the upper half. */
  #writePageTables(): void {
    const [pointers, directory, table, kernelPointers, kernelDirectory] = [1, 2, 3, 4, 5].map(
      (n) => PML4 + n * 0x1000,
    ) as [number, number, number, number, number];
    this.#write(PML4, BigInt(pointers) | P | W | U);
    this.#write(pointers, BigInt(directory) | P | W | U);
    this.#write(directory, BigInt(table) | P | W | U);
    this.#write(PML4 + 256 * 8, BigInt(kernelPointers) | P | W);
    this.#write(kernelPointers, BigInt(kernelDirectory) | P | W);
    this.#write(kernelDirectory, P | W | D | LARGE);
    this.#write(table + (world.DATA >> 12) * 8, BigInt(world.DATA) | P | W | U | D | NX);
    this.#write(table + (world.READ_ONLY >> 12) * 8, BigInt(world.READ_ONLY) | P | U | D | NX);
    this.#write(table + (world.CODE >> 12) * 8, BigInt(world.CODE) | P | W | U | D);
  }

  #writeDescriptors(): void {
    for (const [at, descriptor] of Object.entries(GLOBAL)) this.#write(GDT + Number(at), descriptorBytes(descriptor));
    LOCAL.forEach((descriptor, n) => {
      this.#write(LDT + n * 8, descriptorBytes(descriptor));
    });
    // The stack of level 0 in the task state.
    this.#write(TASK + 4, KERNEL + BigInt(STACK));
    // No map of permitted ports.
    this.#view.setUint16(TASK + 0x66, 0xffff, true);
  }

  #writeGates(): void {
    for (let vector = 0; vector < 256; vector++) {
      const at = KERNEL + BigInt(HANDLERS + vector);
      const level = CALLABLE.includes(vector) ? 0xeen : 0x8en;
      const middle = (BigInt(KERNEL_CODE) << 16n) | (level << 40n);
      this.#write(IDT + vector * 16, (at & 0xffffn) | middle | (((at >> 16n) & 0xffffn) << 48n));
      this.#write(IDT + vector * 16 + 8, at >> 32n);
      this.#view.setUint8(HANDLERS + vector, 0xf4);
    }
  }

  #enterLongMode(): void {
    const { state } = this.#machine.processor;
    state.write32(slot.CR0, CR0);
    state.write32(
      slot.CR4,
      bits.CR4_PAE | bits.CR4_FSGSBASE | bits.CR4_OSFXSR | bits.CR4_OSXMMEXCPT | bits.CR4_OSXSAVE,
    );
    state.write64(slot.XCR0, 7n);
    state.write64(slot.CR3, BigInt(PML4));
    state.write32(slot.EFER, bits.EFER_LME | bits.EFER_LMA | bits.EFER_SCE | bits.EFER_NXE);
    for (const offset of [slot.CR3, slot.CR4, slot.EFER, slot.CR0]) state.onDerivedChange(offset);
    state.write64(slot.GDTR_BASE, KERNEL + BigInt(GDT));
    state.write32(slot.GDTR_LIMIT, 0x7f);
    state.write64(slot.IDTR_BASE, KERNEL + BigInt(IDT));
    state.write32(slot.IDTR_LIMIT, 0xfff);
    const base = Number(KERNEL - (1n << 64n));
    state.setSegmentAt(slot.TR, { selector: TASK_SELECTOR, base: base + TASK, limit: 0x67, attributes: 0x8b });
    state.setSegmentAt(slot.LDTR, {
      selector: LDT_SELECTOR,
      base: base + LDT,
      limit: LOCAL.length * 8 - 1,
      attributes: 0x82,
    });
  }

  get #compiled(): number {
    return Number(this.#machine.processor.state.read64(internal.COMPILED));
  }

  /** Runs one case to the exception that ends it. */
  run(test: world.Case): world.Outcome {
    const { processor } = this.#machine;
    if (processor.compiler) {
      // The first time compiled code finds no translations.
      this.#begin(test, true);
      this.#run();
    }
    this.#begin(test);
    const before = this.#compiled;
    const reason = this.#run();
    if (this.#compiled > before) this.inCompiledCode++;
    const { state } = processor;
    const vector = Number(state.read64(slot.EIP) - KERNEL) - HANDLERS - 1;
    if (state.read8(slot.HALTED) === 0 || !(vector >= 0 && vector < 256)) {
      const at = state.read64(slot.EIP).toString(16);
      throw new Error(
        `no exception ends ${test.row.name} (${Buffer.from(test.code).toString('hex')}), but ${reason} at ${at} ${test.general[1]} ${test.selectors} ${test.flags.toString(16)} ${state.read8(slot.HALTED)}`,
      );
    }
    return this.#outcome(vector);
  }

  #run(): string {
    const { loop } = this.#machine;
    const { reason } = loop.run({ instructionsMax: INSTRUCTIONS_MAX });
    loop.reset();
    return reason;
  }

  /** Where code was lost often nothing is compiled: as `isNew` it never was. What was compiled of the case stays. */
  #begin(test: world.Case, isNew = false): void {
    const { processor, map } = this.#machine;
    const { state } = processor;
    const page = new Uint8Array(world.PAGE_SIZE);
    page.set(test.memory, world.PAGE_SIZE - world.WINDOW_SIZE);
    map.copyIn(world.DATA, page);
    const code = new Uint8Array(world.PAGE_SIZE).fill(0xf4);
    this.#rip = Number(test.rip);
    const offset = this.#rip - world.CODE;
    code.set(test.code.slice(0, world.PAGE_SIZE - offset), offset);
    const isSame = Buffer.compare(map.copyOut(world.CODE, world.PAGE_SIZE), code) === 0;
    map.copyIn(world.CODE, code);
    if (isNew) processor.invalidateCode();
    else if (!isSame) processor.codeWritten(world.CODE, world.PAGE_SIZE);
    test.general.forEach((value, n) => {
      state.write64(longGeneralSlots[n] as number, value);
    });
    state.write8(slot.CPL, 3);
    state.onDerivedChange(slot.CPL);
    test.selectors.forEach((selector, index) => {
      const [base, limit, attributes] = descriptorOf(selector);
      const own = index === FS ? test.fsBase : index === GS ? test.gsBase : 0n;
      const isNull = selector === 0;
      state.setSegment(index, {
        selector,
        base: isNull ? Number(own) : base,
        limit,
        attributes: isNull ? 0 : attributes,
      });
    });
    state.write8(slot.HALTED, 0);
    loadState(state, test.state);
    state.write64(slot.CR2, 0n);
    state.eflags = test.flags;
    state.write64(slot.EIP, test.rip);
    processor.refresh();
  }

  #outcome(vector: number): world.Outcome {
    const { processor, map } = this.#machine;
    const { state } = processor;
    const top = Number(state.read64(slot.ESP) - KERNEL);
    const frame = WITH_ERROR.has(vector) ? top + 8 : top;
    const pushed = (n: number) => this.#view.getBigUint64(frame + n * 8, true);
    const general = longGeneralSlots.map((at) => state.read64(at));
    general[4] = pushed(3);
    const selectors = [0, 1, 2, 3, 4, 5].map((index) => state.segment(index).selector);
    selectors[1] = Number(pushed(1));
    selectors[2] = Number(pushed(4));
    return {
      general,
      rip: pushed(0),
      flags: Number(pushed(2)),
      fsBase: state.read64(FS_BASE),
      gsBase: state.read64(GS_BASE),
      selectors,
      vector,
      error: frame === top ? 0 : Number(this.#view.getBigUint64(top, true)),
      address: state.read64(slot.CR2),
      memory: map.copyOut(world.WINDOW, world.WINDOW_SIZE),
      state: storeState(state),
    };
  }
}

/** Enough for every repetition that a page lets happen. */
const INSTRUCTIONS_MAX = 20_000;
