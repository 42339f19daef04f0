/**
 * The guest's own code around the sequences: start-up, one loop in flat protected mode that loads a record's registers,
 * enters its sequence in real or protected mode, takes over again and writes down the result. Comments name the
 * instructions; the manual's encodings are in SDM vol. 2.
 */
import { CODE_16, CODE_32, DATA_16, DATA_32, LOCAL_TABLE, TASK } from './descriptor-tables.ts';
import {
  DESCRIPTORS,
  descriptorZone,
  HARNESS,
  HARNESS_STACK,
  IMAGE_RAM,
  IMAGE_SEGMENT,
  IMAGE_SIZE,
  NO_VECTOR,
  PROTECTED_GATES,
  PROTECTED_VECTOR_LAST,
  REAL_VECTORS,
  RESULTS,
  ROM_START,
  SEQUENCES,
  START_UP,
  STUB_SIZE,
  VARIABLES,
  zones,
} from './layout.ts';
import { MachineCode, u16, u32 } from './machine-code.ts';

/** Fields of a record; its sequence's code follows at `RECORD_SIZE`. Records are aligned to 16 bytes. */
export const RECORD = {
  NEXT: 0,
  EIP: 4,
  CS: 8,
  REAL: 12,
  CR0: 16,
  EFLAGS: 20,
  EAX: 24,
  ECX: 28,
  EDX: 32,
  EBX: 36,
  EBP: 40,
  EDI: 44,
  ESI: 48,
  DS: 52,
  ESP: 56,
  SS: 60,
  ES: 64,
  FS: 66,
  GS: 68,
} as const;
export const RECORD_SIZE = 80;

/** The double words that begin a result, in order; changed double words of memory follow as pairs, then `RESULT_END`. */
export const resultFields = [
  'vector',
  'eax',
  'ecx',
  'edx',
  'ebx',
  'ebp',
  'edi',
  'esi',
  'esp',
  'eflags',
  'cr0',
  'dr6',
  'ds',
  'ss',
  'es',
  'fs',
  'gs',
] as const;
export type ResultField = (typeof resultFields)[number];
export const RESULT_END = 0xffffffff;

/** Variables, by physical address. */
const CURRENT = VARIABLES;
const OUT = VARIABLES + 4;
const TARGET = VARIABLES + 8;
const SAVED = VARIABLES + 0x20;
const saved = (field: ResultField): number[] => u32(SAVED + resultFields.indexOf(field) * 4);

/** Tables that LIDT and LGDT read, in the harness's own code. */
const TABLE_REGISTERS = HARNESS + 0x300;
export const GDT_POINTER: number = TABLE_REGISTERS;
export const REAL_IDT_POINTER: number = TABLE_REGISTERS + 8;
export const PROTECTED_IDT_POINTER: number = TABLE_REGISTERS + 16;
/** A copy of `TARGET` where a CS override of the image's segment reaches it. */
const TARGET_COPY = TABLE_REGISTERS + 24;
/** Where the address of the first record stands. */
export const FIRST_RECORD: number = TABLE_REGISTERS + 32;

const linear = (imageOffset: number) => u32(IMAGE_RAM + imageOffset);
const OPERAND_SIZE = 0x66;
const PREFIX_CS = 0x2e;
const CR0_PROTECTED = 0x11;

/** The debug registers with which sequences begin: no reason reported, no breakpoint on. */
export const DR6_AT_START = 0xffff0ff0;
export const DR7_OFF = 0x400;

/** Code whose addresses other parts of the image need. */
export interface Harness {
  readonly bytes: readonly number[];
  /** Image offsets. */
  readonly main: number;
  readonly realDone: number;
  readonly protectedDone: number;
  readonly realVector: number;
  readonly protectedVector: number;
}

export function buildHarness(): Harness {
  const code = new MachineCode(HARNESS);
  mainLoop(code);
  enterOuter(code);
  enterReal(code);
  takeOver(code);
  writeResult(code);
  const bytes = code.finish();
  if (bytes.length > TABLE_REGISTERS - HARNESS) throw new Error('the harness has grown over its tables');
  const tables = [
    ...[...u16(0x2ff), ...u32(DESCRIPTORS), 0, 0],
    ...[...u16(0x3ff), ...u32(0), 0, 0],
    ...[...u16(PROTECTED_VECTOR_LAST * 8 + 7), ...linear(PROTECTED_GATES), 0, 0],
    ...new Array<number>(8).fill(0),
    ...linear(SEQUENCES),
  ];
  const padding = new Array<number>(TABLE_REGISTERS - HARNESS - bytes.length).fill(0x90);
  return {
    bytes: [...bytes, ...padding, ...tables],
    main: code.addressOf('main'),
    realDone: code.addressOf('realDone'),
    protectedDone: code.addressOf('protectedDone'),
    realVector: code.addressOf('realVector'),
    protectedVector: code.addressOf('protectedVector'),
  };
}

/** 32-bit code, flat segments: loads the registers of the record at [CURRENT] and goes to its sequence. */
function mainLoop(code: MachineCode): void {
  const { EIP, CS, REAL, CR0, EFLAGS, EAX, ECX, EDX, EBX, EBP, EDI, ESI, ESP, ES, FS, GS } = RECORD;
  code
    .label('main')
    .add(0xa1, ...linear(FIRST_RECORD), 0xa3, ...u32(CURRENT)) // mov eax, [FIRST_RECORD]; mov [CURRENT], eax
    .add(0xc7, 0x05, ...u32(OUT), ...u32(RESULTS)) // mov [OUT], results
    .label('next')
    .add(0x8b, 0x35, ...u32(CURRENT)) // mov esi, [CURRENT]
    .add(0x8b, 0x46, EIP, 0xa3, ...u32(TARGET), 0xa3, ...linear(TARGET_COPY)) // EIP to the targets
    .add(0x8b, 0x46, CS, 0xa3, ...u32(TARGET + 4), 0xa3, ...linear(TARGET_COPY + 4)) // CS to the targets
    .add(0xb8, ...u32(DR6_AT_START), 0x0f, 0x23, 0xf0) // mov eax, DR6_AT_START; mov dr6, eax
    .add(0x80, 0x7e, REAL, 0, 0x0f, 0x85) // cmp byte [esi+REAL], 0; jne enterReal
    .relative('enterReal', 4)
    .add(0x0f, 0x01, 0x1d, ...linear(PROTECTED_IDT_POINTER)) // lidt
    .add(0xb8, ...u32(LOCAL_TABLE), 0x0f, 0x00, 0xd0) // mov eax, LOCAL_TABLE; lldt ax
    .add(0xb8, ...u32(TASK), 0x0f, 0x00, 0xd8) // mov eax, TASK; ltr ax
    .add(0x8b, 0x46, CR0, 0x0f, 0x22, 0xc0) // mov eax, [esi+CR0]; mov cr0, eax
    .add(0xf6, 0x46, CS, 3, 0x0f, 0x85) // test byte [esi+CS], 3; jnz enterOuter
    .relative('enterOuter', 4)
    .add(0xff, 0x76, EFLAGS, 0x9d) // push dword [esi+EFLAGS]; popfd
    .add(0x8b, 0x4e, ECX, 0x8b, 0x56, EDX, 0x8b, 0x5e, EBX) // mov ecx, …; mov edx, …; mov ebx, …
    .add(0x8b, 0x6e, EBP, 0x8b, 0x7e, EDI) // mov ebp, …; mov edi, …
    .add(0x8e, 0x46, ES, 0x8e, 0x66, FS, 0x8e, 0x6e, GS) // mov es, …; mov fs, …; mov gs, …
    .add(0x8b, 0x46, EAX, 0x0f, 0xb2, 0x66, ESP, 0xc5, 0x76, ESI) // mov eax, …; lss esp, …; lds esi, …
    .add(PREFIX_CS, 0xff, 0x2d, ...u32(TARGET)); // jmp far [cs:TARGET]
}

/** To level 3 by IRET, with the stack pointer in its frame. */
function enterOuter(code: MachineCode): void {
  const { EIP, CS, EFLAGS, EAX, ECX, EDX, EBX, EBP, EDI, ESI, ESP, SS, ES, FS, GS } = RECORD;
  code
    .label('enterOuter')
    .add(0xff, 0x76, SS, 0xff, 0x76, ESP, 0xff, 0x76, EFLAGS) // push dword [esi+SS]; …
    .add(0xff, 0x76, CS, 0xff, 0x76, EIP)
    .add(0x8b, 0x4e, ECX, 0x8b, 0x56, EDX, 0x8b, 0x5e, EBX) // mov ecx, …; mov edx, …; mov ebx, …
    .add(0x8b, 0x6e, EBP, 0x8b, 0x7e, EDI) // mov ebp, …; mov edi, …
    .add(0x8e, 0x46, ES, 0x8e, 0x66, FS, 0x8e, 0x6e, GS) // mov es, …; mov fs, …; mov gs, …
    .add(0x8b, 0x46, EAX, 0xc5, 0x76, ESI, 0xcf); // mov eax, …; lds esi, …; iretd
}

/** To real mode through 16-bit segments, so that all limits are 64 KiB; then the same loads. */
function enterReal(code: MachineCode): void {
  const { CR0, EFLAGS, EAX, ECX, EDX, EBX, EBP, EDI, ESI, ESP, ES, FS, GS } = RECORD;
  const load32 = (modRm: number, field: number) => [OPERAND_SIZE, 0x8b, modRm, ...u16(field)];
  code
    .label('enterReal')
    .add(0x0f, 0x01, 0x1d, ...linear(REAL_IDT_POINTER)) // lidt
    .add(0x89, 0xf3, 0xc1, 0xeb, 4, 0x8b, 0x46, CR0, 0xea) // mov ebx, esi; shr ebx, 4; mov eax, [esi+CR0]; jmp far
    .absolute('code16', 4)
    .add(...u16(CODE_16))
    .label('code16')
    .add(0xb9, ...u16(DATA_16), 0x8e, 0xd9, 0x8e, 0xc1, 0x8e, 0xe1, 0x8e, 0xe9, 0x8e, 0xd1) // mov cx, DATA_16; to all
    .add(0x0f, 0x22, 0xc0, 0xea) // mov cr0, eax; jmp far
    .absolute('real', 2)
    .add(...u16(IMAGE_SEGMENT))
    .label('real')
    .add(0x8e, 0xdb, 0x31, 0xc9, 0x8e, 0xd1, 0xbc, ...u16(HARNESS_STACK)) // mov ds, bx; xor cx, cx; mov ss, cx; mov sp, …
    .add(OPERAND_SIZE, 0xff, 0x36, ...u16(EFLAGS), OPERAND_SIZE, 0x9d) // push dword [EFLAGS]; popfd
    .add(...load32(0x0e, ECX), ...load32(0x16, EDX), ...load32(0x1e, EBX), ...load32(0x2e, EBP), ...load32(0x3e, EDI))
    .add(0x8e, 0x06, ...u16(ES), 0x8e, 0x26, ...u16(FS), 0x8e, 0x2e, ...u16(GS)) // mov es, …; mov fs, …; mov gs, …
    .add(OPERAND_SIZE, 0xa1, ...u16(EAX)) // mov eax, [EAX]
    .add(OPERAND_SIZE, 0x0f, 0xb2, 0x26, ...u16(ESP)) // lss esp, [ESP]
    .add(OPERAND_SIZE, 0xc5, 0x36, ...u16(ESI)) // lds esi, [ESI]
    .add(OPERAND_SIZE, PREFIX_CS, 0xff, 0x2e, ...u16(TARGET_COPY)); // jmp far dword [cs:TARGET_COPY]
}

/** Keeps EAX, CR0 and DS in debug registers, which need neither stack nor segment, and leaves the flags alone. */
function takeOver(code: MachineCode): void {
  code
    .label('realDone')
    .add(0x0f, 0x23, 0xc0, OPERAND_SIZE, 0xb8, ...u32(NO_VECTOR)) // mov dr0, eax; mov eax, NO_VECTOR
    .label('realVector')
    .add(0x0f, 0x23, 0xc8, 0x0f, 0x20, 0xc0, 0x0f, 0x23, 0xd0) // mov dr1, eax; mov eax, cr0; mov dr2, eax
    .add(OPERAND_SIZE, PREFIX_CS, 0x0f, 0x01, 0x16, ...u16(GDT_POINTER)) // lgdt
    .add(OPERAND_SIZE, 0xb8, ...u32(CR0_PROTECTED), 0x0f, 0x22, 0xc0) // mov eax, CR0_PROTECTED; mov cr0, eax
    .add(OPERAND_SIZE, 0xea)
    .absolute('common', 4, -IMAGE_RAM)
    .add(...u16(CODE_32))
    .label('protectedDone')
    .add(0x0f, 0x23, 0xc0, 0xb8, ...u32(NO_VECTOR)) // mov dr0, eax; mov eax, NO_VECTOR
    .label('protectedVector')
    .add(0x0f, 0x23, 0xc8, 0x0f, 0x20, 0xc0, 0x0f, 0x23, 0xd0) // mov dr1, eax; mov eax, cr0; mov dr2, eax
    .label('common');
}

function writeResult(code: MachineCode): void {
  code
    .add(0x8c, 0xd8, 0x0f, 0x23, 0xd8) // mov eax, ds; mov dr3, eax
    .add(0xb8, ...u32(DR7_OFF), 0x0f, 0x23, 0xf8) // mov eax, DR7_OFF; mov dr7, eax: memory is touched from here on
    .add(0xb8, ...u32(DATA_32), 0x8e, 0xd8) // mov eax, DATA_32; mov ds, eax
    .add(0x89, 0x0d, ...saved('ecx'), 0x89, 0x15, ...saved('edx'), 0x89, 0x1d, ...saved('ebx'))
    .add(0x89, 0x2d, ...saved('ebp'), 0x89, 0x3d, ...saved('edi'), 0x89, 0x35, ...saved('esi'))
    .add(0x89, 0x25, ...saved('esp'), 0x8c, 0x15, ...saved('ss'))
    .add(0x8c, 0x05, ...saved('es'), 0x8c, 0x25, ...saved('fs'), 0x8c, 0x2d, ...saved('gs'))
    .add(0x8e, 0xd0, 0xbc, ...u32(HARNESS_STACK), 0x8e, 0xc0) // mov ss, eax; mov esp, …; mov es, eax
    .add(0x9c, 0x8f, 0x05, ...saved('eflags'), 0x6a, 2, 0x9d) // pushfd; pop […]; push 2; popfd
    .add(0x0f, 0x21, 0xc0, 0xa3, ...saved('eax'), 0x0f, 0x21, 0xc8, 0xa3, ...saved('vector')) // mov eax, dr0 …
    .add(0x0f, 0x21, 0xd0, 0xa3, ...saved('cr0'), 0x0f, 0x21, 0xd8, 0xa3, ...saved('ds'))
    .add(0x0f, 0x21, 0xf0, 0xa3, ...saved('dr6')) // mov eax, dr6; mov […], eax
    .add(0xb8, ...u32(CR0_PROTECTED), 0x0f, 0x22, 0xc0) // mov eax, CR0_PROTECTED; mov cr0, eax
    .add(0x0f, 0x01, 0x15, ...linear(GDT_POINTER)) // lgdt
    .add(0xbe, ...u32(SAVED), 0x8b, 0x3d, ...u32(OUT)) // mov esi, SAVED; mov edi, [OUT]
    .add(0xb9, ...u32(resultFields.length), 0xf3, 0xa5, 0x89, 0xfb); // mov ecx, …; rep movsd; mov ebx, edi
  zones.forEach(({ start, size, pristine }) => {
    code
      .add(0xbe, ...linear(pristine), 0xbf, ...u32(start), 0xb9, ...u32(size / 4), 0xe8) // mov esi, edi, ecx; call
      .relative('restore', 4);
  });
  code
    .add(0xc7, 0x03, ...u32(RESULT_END), 0x83, 0xc3, 4) // mov dword [ebx], RESULT_END; add ebx, 4
    .add(0x89, 0x1d, ...u32(OUT), 0xa1, ...u32(CURRENT)) // mov [OUT], ebx; mov eax, [CURRENT]
    .add(0x8b, 0x40, RECORD.NEXT, 0xa3, ...u32(CURRENT), 0x85, 0xc0, 0x0f, 0x85) // mov eax, [eax]; mov [CURRENT], eax; jnz
    .relative('next', 4)
    .add(0xe6, 0xf4, 0xf4) // out F4h, al; hlt
    .label('restore')
    .add(0x39, 0xc0, 0xf3, 0xa7, 0x74) // cmp eax, eax; repe cmpsd; je restored
    .relative('restored', 1)
    .add(0x8d, 0x47, 0xfc, 0x89, 0x03, 0x8b, 0x00, 0x89, 0x43, 4) // lea eax, [edi-4]; mov [ebx], eax; its value behind it
    .add(0x83, 0xc3, 8, 0x8b, 0x46, 0xfc, 0x89, 0x47, 0xfc, 0xeb) // add ebx, 8; mov eax, [esi-4]; mov [edi-4], eax; jmp
    .relative('restore', 1)
    .label('restored')
    .add(0xc3);
}

/** One stub for each vector: keeps EAX, loads the vector and joins the harness. `count` of them. */
export function vectorStubs(harness: Harness, mode: 'real' | 'protected', start: number, count: number): number[] {
  return Array.from({ length: count }, (_, vector) => {
    const at = start + vector * STUB_SIZE;
    const prefix = mode === 'real' ? [OPERAND_SIZE] : [];
    const head = [0x0f, 0x23, 0xc0, ...prefix, 0xb8, ...u32(vector), 0xe9];
    const target = mode === 'real' ? harness.realVector : harness.protectedVector;
    const size = mode === 'real' ? 2 : 4;
    const displacement = target - (at + head.length + size);
    const stub = [...head, ...(size === 2 ? u16(displacement) : u32(displacement))];
    return [...stub, ...new Array<number>(STUB_SIZE - stub.length).fill(0x90)];
  }).flat();
}

/** From the reset vector to the main loop: enters protected mode, masks interrupts, copies everything to RAM. */
export function startUp(harness: Harness): {
  readonly code: readonly number[];
  readonly resetVector: readonly number[];
} {
  const inRom = (imageOffset: number) => ROM_START + imageOffset;
  const code = new MachineCode(START_UP - 0x10000);
  const romPointer = START_UP + 0xe0;
  code
    .add(0xfa, OPERAND_SIZE, PREFIX_CS, 0x0f, 0x01, 0x16, ...u16(romPointer - 0x10000)) // cli; lgdt
    .add(OPERAND_SIZE, 0xb8, ...u32(CR0_PROTECTED), 0x0f, 0x22, 0xc0) // mov eax, CR0_PROTECTED; mov cr0, eax
    .add(OPERAND_SIZE, 0xea, ...u32(inRom(START_UP) + 0x20), ...u16(CODE_32)); // jmp far
  while (code.bytes.length < 0x20) code.add(0x90);
  code.add(0xb8, ...u32(DATA_32), 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0xbc, ...u32(HARNESS_STACK)); // segments, stack
  code.add(0xb0, 0xff, 0xe6, 0x21, 0xe6, 0xa1, 0xfc); // mov al, FFh; out 21h, al; out A1h, al; cld
  const copies = [
    { from: 0, to: IMAGE_RAM, size: IMAGE_SIZE },
    { from: REAL_VECTORS, to: 0, size: 0x400 },
    ...zones.map(({ start, size, pristine }) => ({ from: pristine, to: start, size })),
  ];
  for (const { from, to, size } of copies) {
    code.add(0xbe, ...u32(inRom(from)), 0xbf, ...u32(to), 0xb9, ...u32(size / 4), 0xf3, 0xa5); // mov esi, edi, ecx; rep movsd
  }
  code.add(0x0f, 0x01, 0x15, ...linear(GDT_POINTER)); // lgdt
  code.add(0xea, ...linear(harness.main), ...u16(CODE_32)); // jmp far main
  while (code.bytes.length < romPointer - START_UP) code.add(0x90);
  code.add(...u16(0x2ff), ...u32(inRom(descriptorZone.pristine)));
  return { code: code.finish(), resetVector: [0xea, ...u16(START_UP - 0x10000), ...u16(0xf000)] };
}
