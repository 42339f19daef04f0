/** A test kernel in a debug session: stops by label, and what the views show there. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { SessionClient } from '../dap/support/session-client.ts';
import type { KernelImage, KernelStart } from './kernel-images.ts';

const SOURCE = '/k/kernel.asm';

export class DebuggedKernel {
  readonly client = new SessionClient();
  readonly kernel: KernelImage;

  constructor(kernel: KernelImage) {
    this.kernel = kernel;
    const { source, listing, image } = this.kernel;
    const { host } = this.client;
    host.write(SOURCE, source);
    host.write('/k/kernel.lst', listing);
    host.files.set('/k/kernel.bin', image);
    host.sources.set(SOURCE, { image: '/k/kernel.bin', listing: '/k/kernel.lst', messages: [] });
  }

  /** Starts it and goes to its first instruction. */
  async launch(start: KernelStart, cpu: string): Promise<void> {
    const image = start === 'multiboot' ? { program: undefined, kernel: SOURCE } : { program: SOURCE };
    await this.client.launch({ ...image, listing: undefined, cpu });
    await this.client.stop();
  }

  /** Lets it run to a label or an address; gives the stop. */
  async runTo(name: string): Promise<string> {
    await this.client.request('setFunctionBreakpoints', { breakpoints: [{ name }] });
    return this.client.run('continue');
  }

  /** The address of a label as the assembler has it. */
  label(name: string): number {
    const address = this.kernel.symbols.get(name);
    if (address === undefined) throw new Error(`no label ${name}`);
    return address;
  }

  /** Line of the first source line with a text behind one that begins with a label; lines count from 1. */
  lineOf(label: string, text: string): number {
    const lines = this.kernel.source.split('\n');
    const first = lines.findIndex((line) => line.startsWith(label));
    const index = lines.findIndex((line, n) => n >= first && line.includes(text));
    if (first < 0 || index < 0) throw new Error(`no ${text} behind ${label}`);
    return index + 1;
  }

  /** The frames as `line name`, innermost first. */
  async frames(): Promise<readonly string[]> {
    const { stackFrames } = await this.client.request('stackTrace', { threadId: 1 });
    return (stackFrames as DebugProtocol.StackFrame[]).map(({ line, name }) => `${line} ${name}`);
  }

  /** Where the value of a variable leads to, as a line of the source. */
  async lineOfValue({ valueLocationReference }: DebugProtocol.Variable): Promise<number> {
    const { line } = await this.client.request('locations', { locationReference: valueLocationReference });
    return Number(line);
  }

  /** What an expression gives. */
  async evaluate(expression: string): Promise<bigint> {
    return BigInt((await this.client.evaluate(expression)).split(' ')[0] ?? '');
  }

  async thread(): Promise<string> {
    return String(((await this.client.request('threads'))['threads'] as DebugProtocol.Thread[])[0]?.name);
  }

  async children(variablesReference: number): Promise<readonly DebugProtocol.Variable[]> {
    return (await this.client.request('variables', { variablesReference }))['variables'] as DebugProtocol.Variable[];
  }

  /** The rows of a descriptor table; those with a name as `name: value`. */
  async table(name: string): Promise<readonly DebugProtocol.Variable[]> {
    const table = (await this.tables()).find((candidate) => candidate.name === name);
    if (!table) throw new Error(`no table ${name}`);
    return table.variablesReference === 0 ? [] : this.children(table.variablesReference);
  }

  async tables(): Promise<readonly DebugProtocol.Variable[]> {
    const { scopes } = (await this.client.request('scopes', { frameId: 0 })) as { scopes: DebugProtocol.Scope[] };
    return this.children(scopes.find((scope) => scope.name === 'Descriptor tables')?.variablesReference ?? 0);
  }
}

/** One line for each variable. */
export const linesOf = (variables: readonly DebugProtocol.Variable[]): readonly string[] =>
  variables.map(({ name, value }) => `${name}: ${value}`);

/** A number as the views write it. */
export const hex = (value: number | bigint, digits: number): string => `0x${value.toString(16).padStart(digits, '0')}`;

/** A far address as the views write it. */
export const far = (selector: number, offset: number | bigint, digits: number): string =>
  `${selector.toString(16).toUpperCase().padStart(4, '0')}:${offset.toString(16).toUpperCase().padStart(digits, '0')}`;

/** The bytes of a descriptor as a number: base, limit in units, attributes as bits 40-47 and 52-55 (SDM vol. 3A figure 3-8). */
export function descriptorBytes(base: bigint, units: number, attributes: number): bigint {
  const low = (BigInt(units) & 0xffffn) | ((base & 0xff_ffffn) << 16n) | (BigInt(attributes & 0xff) << 40n);
  const high = ((BigInt(units) >> 16n) << 48n) | (BigInt(attributes >> 8) << 52n) | (((base >> 24n) & 0xffn) << 56n);
  return low | high | ((base >> 32n) << 64n);
}

/** The bytes of a gate as a number: selector, offset, bits 32-47 (SDM vol. 3A figures 6-2 and 6-8). */
export function gateBytes(selector: number, offset: bigint, attributes: number): bigint {
  const low = (offset & 0xffffn) | (BigInt(selector) << 16n) | (BigInt(attributes) << 32n);
  return low | (((offset >> 16n) & 0xffffn) << 48n) | ((offset >> 32n) << 64n);
}

/** Such bytes as the views write them, 8 or 16 of them. */
export const raw = (bytes: bigint, size: 8 | 16): string => `(${bytes.toString(16).padStart(size * 2, '0')}h)`;
