/** Asks this machine's processor: compiles oracle.c, hands it cases, reads what they left. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CpuFeature } from '../../vm-core/isa/cpu-feature.ts';
import { STATE_SIZE } from '../../scripts/differential/unit-state.ts';
import { type Case, type Outcome, WINDOW_SIZE } from './case.ts';

const SELECTORS_AT = 160;
const RESULTS_AT = 176;
const MEMORY_AT = 200;
const CODE_AT = MEMORY_AT + WINDOW_SIZE;
const STATE_AT = CODE_AT + 16;
const CASE_SIZE = STATE_AT + STATE_SIZE;
const HLT = 0xf4;

const REASONS: Readonly<Record<number, string>> = {
  3: 'pages below 64 KiB cannot be mapped (sysctl vm.mmap_min_addr=4096, or root)',
  4: 'the processor or the kernel does not let programs write FS.base and GS.base',
  5: 'the kernel does not let programs have descriptors (modify_ldt)',
};

/** A program to ask, or the reason why there is none. */
export interface NativeProcessor {
  readonly program: string;
  readonly missing: string | undefined;
  readonly directory: string;
  /** As /proc/cpuinfo has it. */
  readonly vendor: string;
  readonly flags: ReadonlySet<string>;
}

/** Compiles the oracle into a directory of its own, which the caller removes. */
export function findProcessor(): NativeProcessor {
  const directory = mkdtempSync(join(tmpdir(), 'native-oracle-'));
  const program = join(directory, 'oracle');
  const described = process.platform === 'linux' && process.arch === 'x64';
  const text = described ? readFileSync('/proc/cpuinfo', 'utf8') : '';
  const line = (name: string) => new RegExp(`^${name}\\s*: (.*)$`, 'm').exec(text)?.[1] ?? '';
  const source = join(import.meta.dirname, 'oracle.c');
  const compiled = described && spawnSync('cc', ['-O1', '-o', program, source]).status === 0;
  const status = compiled ? spawnSync(program, { input: '' }).status : 0;
  const missing = compiled ? (status === 0 ? undefined : (REASONS[status ?? -1] ?? `it ends with ${status}`)) : NEEDS;
  return { program, missing, directory, vendor: line('vendor_id'), flags: new Set(line('flags').split(' ')) };
}

const NEEDS = 'it needs Linux on an x86-64 processor, and a C compiler (cc)';

/** What Linux calls the features that instructions wait for; absent: every x86-64 processor has it. */
const FLAG_NAMES: Partial<Readonly<Record<CpuFeature, string>>> = {
  CRC32: 'sse4_2',
  CMPXCHG16B: 'cx16',
  MOVBE: 'movbe',
  POPCNT: 'popcnt',
  FSGSBASE: 'fsgsbase',
  BMI1: 'bmi1',
  BMI2: 'bmi2',
  INVPCID: 'invpcid',
  ADX: 'adx',
  SMAP: 'smap',
  CLFLUSHOPT: 'clflushopt',
  CLWB: 'clwb',
  'LAHF-SAHF': 'lahf_lm',
  LZCNT: 'abm',
  PREFETCHW: '3dnowprefetch',
  XSAVE: 'xsave',
  XSAVEOPT: 'xsaveopt',
  XSAVEC: 'xsavec',
  SSE3: 'pni',
  SSSE3: 'ssse3',
  'SSE4.1': 'sse4_1',
  'SSE4.2': 'sse4_2',
  AESNI: 'aes',
  PCLMULQDQ: 'pclmulqdq',
  SHA: 'sha_ni',
  AVX: 'avx',
  AVX2: 'avx2',
  F16C: 'f16c',
  FMA: 'fma',
  VAES: 'vaes',
  VPCLMULQDQ: 'vpclmulqdq',
};

/** Whether this processor has a feature. */
export function hasNatively({ flags }: NativeProcessor, feature: CpuFeature | undefined): boolean {
  const flag = feature && FLAG_NAMES[feature];
  return flag === undefined || flags.has(flag);
}

/** Runs cases on the processor. */
export function runNatively({ program }: NativeProcessor, cases: readonly Case[]): Outcome[] {
  const input = Buffer.alloc(cases.length * CASE_SIZE);
  cases.forEach((test, n) => {
    write(input.subarray(n * CASE_SIZE, (n + 1) * CASE_SIZE), test);
  });
  const { stdout, status, signal } = spawnSync(program, { input, maxBuffer: 1 << 30 });
  if (status !== 0)
    throw new Error(`the oracle ended with ${status ?? signal} after ${stdout.length / CASE_SIZE} cases`);
  return cases.map((_, n) => read(stdout.subarray(n * CASE_SIZE, (n + 1) * CASE_SIZE)));
}

function write(to: Buffer, { general, rip, flags, fsBase, gsBase, selectors, memory, code, state }: Case): void {
  [...general, rip, BigInt(flags), fsBase, gsBase].forEach((value, n) => {
    to.writeBigUInt64LE(value, n * 8);
  });
  selectors.forEach((selector, n) => {
    to.writeUInt16LE(selector, SELECTORS_AT + n * 2);
  });
  to.set(memory, MEMORY_AT);
  to.fill(HLT, CODE_AT);
  to.set(code, CODE_AT);
  to.set(state, STATE_AT);
}

function read(from: Buffer): Outcome {
  const word = (n: number) => from.readBigUInt64LE(n * 8);
  return {
    general: Array.from({ length: 16 }, (_, n) => word(n)),
    rip: word(16),
    flags: Number(word(17)),
    fsBase: word(18),
    gsBase: word(19),
    selectors: Array.from({ length: 6 }, (_, n) => from.readUInt16LE(SELECTORS_AT + n * 2)),
    vector: Number(word(RESULTS_AT / 8)),
    error: Number(word(RESULTS_AT / 8 + 1)),
    address: word(RESULTS_AT / 8 + 2),
    memory: Uint8Array.from(from.subarray(MEMORY_AT, CODE_AT)),
    state: completed(Uint8Array.from(from.subarray(STATE_AT, STATE_AT + STATE_SIZE))),
  };
}

const COMPONENTS_AT = 512;

/** XSAVE leaves out what is as after a reset: that is written here. */
function completed(state: Uint8Array): Uint8Array {
  const components = state[COMPONENTS_AT] as number;
  if ((components & 1) === 0) {
    state.fill(0, 0, 24).fill(0, 32, 160);
    state.set([0x7f, 0x03]);
  }
  if ((components & 2) === 0) state.fill(0, 160, 416);
  if ((components & 4) === 0) state.fill(0, 576, 832);
  return state;
}
