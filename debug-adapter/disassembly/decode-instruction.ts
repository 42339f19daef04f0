/**
 * One instruction as the debugger needs it: its text in NASM syntax, its length, and what it does to the flow of
 * control. The iced-x86 library decodes and formats; nothing outside this file knows it.
 */
import {
  Code,
  CodeSize,
  Decoder,
  DecoderOptions,
  FlowControl,
  Formatter,
  FormatterSyntax,
  type Instruction,
} from 'iced-x86';

/**
 * What an instruction does to the flow of control, as far as stepping tells them apart. `repeat` is a string instruction
 * with a REP prefix; `loop` is LOOP, LOOPE, LOOPNE; `fault` can only raise an exception.
 */
export type InstructionKind =
  | 'plain'
  | 'jump'
  | 'indirect-jump'
  | 'branch'
  | 'loop'
  | 'call'
  | 'interrupt'
  | 'return'
  | 'repeat'
  | 'halt'
  | 'fault';

export interface DecodedInstruction {
  /** Bytes; at least 1, also for bytes that are no instruction. */
  readonly length: number;
  /** NASM syntax. */
  readonly text: string;
  readonly kind: InstructionKind;
  /** Offset in the code segment that a direct near jump, branch, loop or call leads to. */
  readonly target: number | undefined;
  /** Vector of an INT n. */
  readonly vector: number | undefined;
  /** False where the bytes are no instruction or end too early; the text is then `db` with the first byte. */
  readonly valid: boolean;
}

/** The longest instruction there is, in bytes. */
export const INSTRUCTION_LENGTH_MAX = 15;

const formatter = makeFormatter();

function makeFormatter(): Formatter {
  const made = new Formatter(FormatterSyntax.Nasm);
  made.uppercaseHex = false;
  made.hexPrefix = '0x';
  made.hexSuffix = '';
  made.spaceAfterOperandSeparator = true;
  made.branchLeadingZeros = false;
  made.showBranchSize = false;
  return made;
}

/**
 * Decodes the instruction at `bytes[index]`. `offset` is its place in the code segment, `codeSize` the segment's default
 * operand size. Processors of AMD take 66h before near branches of 64-bit code, and have shorter far pointers there.
 */
export function decodeInstruction(
  bytes: Uint8Array,
  index: number,
  codeSize: 16 | 32 | 64,
  offset: number,
  isAmd = false,
): DecodedInstruction {
  const options = isAmd ? DecoderOptions.AMD : DecoderOptions.None;
  const decoder = new Decoder(codeSize, bytes.subarray(index, index + INSTRUCTION_LENGTH_MAX), options);
  decoder.ip = BigInt.asUintN(64, BigInt(offset));
  const instruction = decoder.decode();
  try {
    return instruction.isInvalid ? declareByte(bytes[index] ?? 0) : describe(instruction);
  } finally {
    instruction.free();
    decoder.free();
  }
}

/** A byte that is listed as data. */
export function declareByte(byte: number): DecodedInstruction {
  const text = `db 0x${byte.toString(16).padStart(2, '0')}`;
  return { length: 1, text, kind: 'fault', target: undefined, vector: undefined, valid: false };
}

function describe(instruction: Instruction): DecodedInstruction {
  const kind = kindOf(instruction);
  return {
    length: instruction.length,
    text: textOf(instruction),
    kind,
    target: hasNearTarget(instruction) ? targetOf(instruction) : undefined,
    vector: vectorOf(instruction),
    valid: true,
  };
}

/** Of an address of eight bytes whose lower half is 0 the library writes no more than that. */
function textOf(instruction: Instruction): string {
  const text = formatter.format(instruction);
  if (instruction.memoryDisplSize !== 8 || instruction.memoryDisplacement === 0n) return text;
  const address = BigInt.asUintN(64, instruction.memoryDisplacement).toString(16);
  return text.replace(/(\[qword (?:[a-z]s:)?)0\]/, (_, before: string) => `${before}0x${address}]`);
}

function kindOf(instruction: Instruction): InstructionKind {
  if (instruction.isLoop || instruction.isLoopcc) return 'loop';
  if (instruction.isStringInstruction && (instruction.hasRepPrefix || instruction.hasRepnePrefix)) return 'repeat';
  if (instruction.code === Code.Hlt) return 'halt';
  switch (instruction.flowControl) {
    case FlowControl.UnconditionalBranch:
      return instruction.isJmpFar ? 'indirect-jump' : 'jump';
    case FlowControl.IndirectBranch:
      return 'indirect-jump';
    case FlowControl.ConditionalBranch:
      return 'branch';
    case FlowControl.Return:
      return 'return';
    case FlowControl.Call:
    case FlowControl.IndirectCall:
      return 'call';
    case FlowControl.Interrupt:
      return 'interrupt';
    case FlowControl.Exception:
      return 'fault';
    default:
      return 'plain';
  }
}

/** In 64-bit mode a canonical address as a signed number. */
function targetOf(instruction: Instruction): number {
  const target = instruction.nearBranchTarget;
  return Number(instruction.codeSize === CodeSize.Code64 ? BigInt.asIntN(64, target) : target);
}

function hasNearTarget(instruction: Instruction): boolean {
  return (
    instruction.isJmpShortOrNear ||
    instruction.isJccShortOrNear ||
    instruction.isJcxShort ||
    instruction.isLoop ||
    instruction.isLoopcc ||
    instruction.isCallNear
  );
}

function vectorOf(instruction: Instruction): number | undefined {
  if (instruction.code === Code.Int_imm8) return instruction.immediate8;
  if (instruction.code === Code.Int3) return 3;
  return undefined;
}
