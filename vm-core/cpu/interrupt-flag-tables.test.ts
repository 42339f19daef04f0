/**
 * CLI, STI, PUSHF, POPF and the flags of IRET for every mode, privilege level, IOPL, CR4.VME, CR4.PVI and virtual flag, as the
 * tables of the manual have them (SDM vol. 2A CLI, IRET; vol. 2B POPF, PUSHF, STI; vol. 3A §20.3.1, §20.4). QEMU has neither
 * VME nor PVI, so the tables are the only measure.
 */
import { describe, expect, it } from 'vitest';
import { CR4_PVI, CR4_VME } from '../state/control-bits.ts';
import type { SegmentState } from '../state/cpu-state.ts';
import { CS, DS, ES, SS, slot } from '../state/layout.ts';
import { AC, ID, IF, IOPL, NT, RF, TF, VIF, VIP, VM } from '../state/lazy-flags.ts';
import { VECTOR_GP } from './cpu.ts';
import { execute, type FakeCpu, faultOf, protectedCpu, realCpu, selectors, withModel } from './fake-cpu.ts';
import { setPrivilegeLevel } from './mode.ts';
import { setRealModeSegment, setVirtual8086Segment } from './segments.ts';

interface Case {
  readonly mode: 'real' | 'protected' | 'virtual';
  readonly level: 0 | 1 | 2 | 3;
  readonly ioPrivilege: number;
  readonly extended: boolean;
  readonly flags: number;
}

const segments = [CS, DS, ES, SS] as const;
const levels = { real: [0], protected: [0, 1, 2, 3], virtual: [3] } as const;

/** Every combination; `extended` is CR4.VME and CR4.PVI together, of which each mode knows one. */
function* cases(): Generator<Case> {
  for (const mode of ['real', 'protected', 'virtual'] as const) {
    for (const level of levels[mode]) {
      for (let ioPrivilege = 0; ioPrivilege < 4; ioPrivilege++) {
        for (const extended of [false, true]) {
          for (const virtual of [0, VIF, VIP, VIF | VIP]) {
            for (const interrupt of [0, IF]) {
              const flags = 2 | virtual | interrupt | (ioPrivilege << 12) | (mode === 'virtual' ? VM : 0);
              yield { mode, level, ioPrivilege, extended, flags };
            }
          }
        }
      }
    }
  }
}

/** One processor for each mode and level, with the segments that it begins with. */
const prepared = new Map<string, { readonly cpu: FakeCpu; readonly code: SegmentState }>();

function processorOf(mode: Case['mode'], level: Case['level']): FakeCpu {
  const key = `${mode} ${level}`;
  const known = prepared.get(key);
  if (known) {
    known.cpu.state.setSegment(CS, known.code);
    return known.cpu;
  }
  const cpu = withModel(mode === 'real' ? realCpu() : protectedCpu(level === 3 ? 3 : 0), 'pentium3');
  for (const segment of segments) {
    if (mode === 'virtual') setVirtual8086Segment(cpu.state, segment, 0);
    if (mode === 'real') setRealModeSegment(cpu.state, segment, 0);
  }
  prepared.set(key, { cpu, code: cpu.state.segment(CS) });
  return cpu;
}

function prepare({ mode, level, extended, flags }: Case): FakeCpu {
  const cpu = processorOf(mode, level);
  const { state } = cpu;
  state.write32(slot.ESP, 0x4000);
  state.eip = 0x5000;
  state.write32(slot.CR4, extended ? CR4_VME | CR4_PVI : 0);
  state.eflags = flags;
  setPrivilegeLevel(state, level);
  return cpu;
}

const canChange = ({ mode, level, ioPrivilege }: Case) => mode === 'real' || level <= ioPrivilege;
const hasVirtual = ({ mode, level, extended }: Case) => extended && mode !== 'real' && level === 3;
/** V86 programs with IOPL below 3. */
const isMonitored = ({ mode, ioPrivilege }: Case) => mode === 'virtual' && ioPrivilege < 3;

/** Flags after it, or that it is #GP(0). */
type Outcome = number | 'refused';

function outcomeOf(cpu: FakeCpu, name: string, fields = {}): Outcome {
  const fault = faultOf(() => execute(cpu, name, fields));
  if (fault === undefined) return cpu.state.eflags;
  expect(fault).toEqual([VECTOR_GP, 0]);
  return 'refused';
}

const nameOf = (c: Case, more = ''): string =>
  `${c.mode} level ${c.level} IOPL ${c.ioPrivilege} ${c.extended} ${c.flags.toString(16)} ${more}`;

function compare(run: (c: Case) => readonly (readonly [string, Outcome, Outcome])[]): void {
  const wrong: string[] = [];
  let count = 0;
  for (const c of cases()) {
    for (const [what, seen, expected] of run(c)) {
      count++;
      if (seen !== expected) wrong.push(`${nameOf(c, what)}: ${seen.toString(16)}, not ${expected.toString(16)}`);
    }
  }
  expect(wrong.slice(0, 5)).toEqual([]);
  expect(count).toBeGreaterThan(300);
}

describe('CLI and STI', () => {
  it('are what the tables say', () => {
    compare((c) => {
      const clear = canChange(c) ? c.flags & ~IF : hasVirtual(c) ? c.flags & ~VIF : 'refused';
      const mayVirtual = hasVirtual(c) && (c.flags & VIP) === 0;
      const set = canChange(c) ? c.flags | IF : mayVirtual ? c.flags | VIF : 'refused';
      return [
        ['CLI', outcomeOf(prepare(c), 'CLI'), clear],
        ['STI', outcomeOf(prepare(c), 'STI'), set],
      ];
    });
  });
});

const PUSHED = 0xfc_ffff;

describe('PUSHF', () => {
  it('pushes what the tables say', () => {
    compare((c) =>
      [16, 32].map((size) => {
        const cpu = prepare(c);
        const before = c.flags;
        const outcome = outcomeOf(cpu, 'PUSHF', { operandSize: size });
        const top = cpu.state.read32(slot.ESP);
        const seen = outcome === 'refused' ? outcome : cpu.readLinear(top, size === 16 ? 2 : 4);
        if (!isMonitored(c)) return [`PUSHF ${size}`, seen, before & (size === 16 ? 0xffff : PUSHED)] as const;
        if (!c.extended || size === 32) return [`PUSHF ${size}`, seen, 'refused'] as const;
        const image = (before & ~(IF | 0xffff_0000)) | IOPL | ((before & VIF) === 0 ? 0 : IF);
        return ['PUSHF 16', seen, image] as const;
      }),
    );
  });
});

const ARITHMETIC = 0x8d5;
const DF = 0x400;
const IMAGES = [0, 0xffff_ffff & ~TF, IF | IOPL, TF, TF | IF, 0x3f_7fd7 & ~TF, 0x3d_7fd7 & ~TF, NT | ARITHMETIC];

/** What a monitored program with VME gets: VIF for IF; TF, and IF while VIP is set, are the monitor's. */
function throughVirtual(flags: number, image: number): Outcome {
  if ((image & TF) !== 0 || ((image & IF) !== 0 && (flags & VIP) !== 0)) return 'refused';
  const virtual = (image & IF) === 0 ? flags & ~VIF : flags | VIF;
  const mask = ARITHMETIC | DF | NT | TF;
  return ((virtual & ~mask) | (image & mask)) >>> 0;
}

describe('POPF', () => {
  it('pops what the tables say', () => {
    compare((c) =>
      [16, 32].flatMap((size) =>
        IMAGES.map((image) => {
          const cpu = prepare(c);
          cpu.writeLinear(0x4000, 4, image >>> 0);
          const name = `POPF ${size} ${image.toString(16)}`;
          const seen = outcomeOf(cpu, 'POPF', { operandSize: size });
          if (isMonitored(c)) {
            const isServed = c.extended && size === 16;
            return [name, seen, isServed ? throughVirtual(c.flags, image) : 'refused'] as const;
          }
          const mask =
            ARITHMETIC |
            DF |
            TF |
            NT |
            (canChange(c) ? IF : 0) |
            (c.mode !== 'virtual' && c.level === 0 ? IOPL : 0) |
            (size === 32 ? AC | ID : 0);
          return [name, seen, ((c.flags & ~(mask | RF)) | (image & mask)) >>> 0] as const;
        }),
      ),
    );
  });
});

describe('IRET', () => {
  it('to the same level pops what the manual says', () => {
    compare((c) =>
      [16, 32].flatMap((size) =>
        IMAGES.filter((image) => c.mode !== 'protected' || (image & VM) === 0).map((image) => {
          const cpu = prepare(c);
          const bytes = size / 8;
          const code = c.mode === 'protected' ? codeOf(c.level) : 0;
          [0x100, code, image >>> 0].forEach((value, n) => {
            cpu.writeLinear(0x4000 + n * bytes, bytes as 2 | 4, size === 16 ? value & 0xffff : value);
          });
          const name = `IRET ${size} ${image.toString(16)}`;
          const seen = outcomeOf(cpu, 'IRET', { operandSize: size });
          if (isMonitored(c)) {
            const isServed = c.extended && size === 16;
            return [name, seen, isServed ? throughVirtual(c.flags, image) : 'refused'] as const;
          }
          const mask =
            ARITHMETIC |
            DF |
            TF |
            NT |
            (canChange(c) ? IF : 0) |
            (c.mode !== 'virtual' && c.level === 0 ? IOPL : 0) |
            (size === 32 ? RF | AC | ID : 0) |
            (size === 32 && c.mode === 'protected' && c.level === 0 ? VIF | VIP : 0);
          return [name, seen, ((c.flags & ~mask) | (image & mask)) >>> 0] as const;
        }),
      ),
    );
  });
});

/** A conforming segment is code for every level. */
function codeOf(level: number): number {
  return level === 0 ? selectors.code : (selectors.conforming & ~3) | level;
}
