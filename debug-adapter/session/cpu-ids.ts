/**
 * The numbers by which clients name what belongs to one processor: threads, frames, variables, and memory as a processor
 * sees it. Those of the first processor are what a machine with only one has.
 */
import { localized } from '../protocol/localized.ts';
import type { Guest } from './guest.ts';
import { UserError } from './user-error.ts';

/** Frames of a processor, and references of its variables, have so many numbers. */
const FRAMES = 1_000_000;
const REFERENCES = 1 << 25;

/** The thread that a processor is to clients. */
export function threadIdOf({ vcpu: { index } }: Guest): number {
  return index + 1;
}

/** The processor of a thread; undefined if there is none. */
export function cpuOfThread({ cpus }: Guest, threadId: number): Guest | undefined {
  return cpus[threadId - 1];
}

/** The same; an unknown thread is a UserError. */
export function requireThread(guest: Guest, threadId: number): Guest {
  const found = cpuOfThread(guest, threadId);
  if (found) return found;
  throw new UserError('bad-argument', localized('there is no thread {0}; threads lists them', threadId));
}

/** The id of a frame of a processor, by its place in the call stack. */
export function frameIdOf({ vcpu: { index } }: Guest, frame: number): number {
  return index * FRAMES + frame;
}

/** A frame of a processor. */
export interface CpuFrame {
  readonly guest: Guest;
  /** Its place in the call stack: 0 is where the processor is. */
  readonly frame: number;
}

/** The frame that an id names; an id of no processor is a UserError. */
export function frameOf({ cpus }: Guest, frameId: number): CpuFrame {
  const guest = cpus[Math.floor(frameId / FRAMES)];
  if (guest) return { guest, frame: frameId % FRAMES };
  throw new UserError('bad-argument', localized('there is no frame {0}; stackTrace lists them', frameId));
}

/** A reference to variables of a processor, from what a view of that processor calls them; 0 stays 0. */
export function referenceOf({ vcpu: { index } }: Guest, variables: number): number {
  return variables === 0 ? 0 : index * REFERENCES + variables;
}

/** Variables of a processor. */
export interface CpuVariables {
  readonly guest: Guest;
  /** What a view of the processor calls them. */
  readonly variables: number;
}

/** The variables that a reference names; one of no processor is a UserError. */
export function variablesOf({ cpus }: Guest, variablesReference: number): CpuVariables {
  const guest = cpus[Math.floor(variablesReference / REFERENCES)];
  if (guest) return { guest, variables: variablesReference % REFERENCES };
  throw new UserError('no-such-variable', localized('there are no variables under {0}', variablesReference));
}

const MEMORY_OF = /^\s*cpu(\d+):(.*)$/is;

/** What stands before a memory reference where processors see different memory: `cpu1:`. */
export function memoryPrefix({ vcpu: { index }, hasSeveralCpus }: Guest): string {
  return hasSeveralCpus ? `cpu${index}:` : '';
}

/** Memory as a processor sees it: without a prefix the processor given does. */
export function memoryOf(guest: Guest, reference: string): { readonly guest: Guest; readonly text: string } {
  const [, index, text] = MEMORY_OF.exec(reference) ?? [];
  if (text === undefined) return { guest, text: reference };
  const named = guest.cpus[Number(index)];
  if (named) return { guest: named, text };
  throw new UserError(
    'bad-address',
    localized('{0}: there is no CPU {1}; the last is CPU {2}', reference, Number(index), guest.cpus.length - 1),
  );
}
