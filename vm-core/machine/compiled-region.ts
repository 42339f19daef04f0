/** What an embedder sees of code that the compiler has made of a guest's: which it is, and what became of it so far. */
import type { Address } from '../state/address.ts';

/**
 * Why a region of compiled code was left, or (the last three) not entered where the guest came to it.
 *
 * - `budget`: its share of instructions is used up, or something is due;
 * - `page`, `outside`: a jump to another page, or to code that is no part of the region;
 * - `indirect`: a computed jump, or a return to where nobody has called from;
 * - `load`, `store`: an access to memory that has no translation yet, faults, is a device's, watched, or code;
 * - `limit`: an access or a jump beyond what the segment's limit lets be known;
 * - `exception`: the instruction raises one;
 * - `repeat`: a repeated instruction goes on after events had their turn;
 * - `calls`: the record of calls has to be looked through;
 * - `handler`: what follows is left to the interpreter;
 * - `called`: an interpreter's function that the region has called wants the loop's attention;
 * - `changed`: such a function has changed what the code takes for granted;
 * - `foreign-facts`, `foreign-place`: it was made for other segments, or another EIP;
 * - `too-long`: something is due before the first loop's turn, or the region's end.
 */
export type RegionExit =
  | 'budget'
  | 'page'
  | 'outside'
  | 'indirect'
  | 'load'
  | 'store'
  | 'limit'
  | 'exception'
  | 'repeat'
  | 'calls'
  | 'handler'
  | 'called'
  | 'changed'
  | 'foreign-facts'
  | 'foreign-place'
  | 'too-long';

/** What an access had met for which a region was left: `miss` is a page that the translation table did not have. */
export type AccessCause = 'miss' | 'fault' | 'device' | 'watched' | 'code' | 'two-pages';

/** Guest code that a region was made of: a run of instructions that is entered at its beginning. */
export interface CompiledBlock {
  readonly linearAddress: Address;
  readonly physicalAddress: number;
  /** In bytes. */
  readonly length: number;
  readonly instructions: number;
}

/** A region of guest code that runs as one function of WebAssembly. */
export interface CompiledRegion {
  /** Where it is entered. */
  readonly linearAddress: Address;
  readonly physicalAddress: number;
  /** Default size of operands and addresses there. */
  readonly codeSize: 16 | 32 | 64;
  /** In the order in which they were found; the first is where the region is entered. */
  readonly blocks: readonly CompiledBlock[];
  /** Places outside of it to which its code goes on, but for what it computes. */
  readonly leadsTo: readonly Address[];
  /** Bytes of guest code, and of WebAssembly. */
  readonly guestBytes: number;
  readonly codeBytes: number;
  readonly entries: number;
  /** Guest instructions that were executed in it. */
  readonly instructions: number;
  /** How often it was left, and not entered, by why; only what has happened. */
  readonly exits: ReadonlyMap<RegionExit, number>;
  /** Of its exits at loads and stores those whose cause was seen: by what the access met. */
  readonly accesses: ReadonlyMap<AccessCause, number>;
  /** Its WebAssembly. Takes a while: for a reader. */
  code(): readonly CompiledLine[];
}

/** An instruction of WebAssembly in its text format, with names for locals and fields of the state. */
export interface CompiledLine {
  readonly text: string;
  /** Of the guest instruction that it was made of; undefined where it is about no single one. */
  readonly linearAddress: Address | undefined;
}
