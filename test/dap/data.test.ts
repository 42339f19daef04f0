import type { DebugProtocol } from '@vscode/debugprotocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectGolden } from './support/golden.ts';
import { SessionClient } from './support/session-client.ts';

describe('registers and memory', () => {
  let client: SessionClient;

  beforeEach(async () => {
    client = new SessionClient();
    await client.launch();
    await client.stop();
  });

  const children = async (variablesReference: number): Promise<readonly DebugProtocol.Variable[]> =>
    (await client.request('variables', { variablesReference }))['variables'] as DebugProtocol.Variable[];

  /** Follows names from the scope down. */
  const find = async (...path: readonly string[]): Promise<DebugProtocol.Variable & { readonly parent: number }> => {
    let reference = 1;
    for (const [index, name] of path.entries()) {
      const found = (await children(reference)).find((variable) => variable.name === name);
      if (!found) throw new Error(`no ${name} in ${path.join('/')}`);
      if (index === path.length - 1) return { ...found, parent: reference };
      reference = found.variablesReference;
    }
    throw new Error('no path');
  };

  const set = async (value: string, ...path: readonly string[]): Promise<DebugProtocol.Response> => {
    const { parent, name } = await find(...path);
    return client.send('setVariable', { variablesReference: parent, name, value });
  };

  it('shows all registers as one tree', async () => {
    const lines: string[] = [];
    const walk = async (reference: number, indent: string): Promise<void> => {
      for (const { name, value, variablesReference } of await children(reference)) {
        lines.push(`${indent}${name} = ${value}`);
        if (variablesReference > 0) await walk(variablesReference, `${indent}  `);
      }
    };
    await walk(1, '');
    expectGolden('registers', lines);
  });

  it('gives every reference of the tree a variable of its own', async () => {
    const seen = new Set<number>();
    const walk = async (reference: number): Promise<void> => {
      expect(seen.has(reference)).toBe(false);
      seen.add(reference);
      for (const { variablesReference } of await children(reference)) {
        if (variablesReference > 0) await walk(variablesReference);
      }
    };
    await walk(1);
    expect((await client.send('variables', { variablesReference: 999_999_999 })).success).toBe(false);
    expect((await client.send('variables', { variablesReference: 0 })).success).toBe(false);
  });

  it('marks what changed since the last stop', async () => {
    await client.run('next');
    await client.run('next');
    expect((await find('Events and privilege')).value).toBe('');
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: '7C15' }] });
    await client.run('continue');
    const eax = await find('EAX');
    expect(eax.type).toMatch(/changed, was 0x0000/);
    expect((await find('EAX', 'AL')).type).not.toMatch(/changed/);
    expect((await find('EAX', 'AH')).type).toMatch(/changed, was 0x00/);
  });

  it('writes registers, their parts, flags, selectors', async () => {
    expect((await set('0x11223344', 'EAX')).body).toMatchObject({ value: '0x11223344' });
    expect((await set('0AAh', 'EAX', 'AL')).body).toMatchObject({ value: '0xaa' });
    expect((await set('0b1', 'EAX', 'AH')).body).toMatchObject({ value: '0x01' });
    expect(await client.evaluate('eax')).toBe('0x112201aa');
    expect((await set('eax + 1', 'EBX')).body).toMatchObject({ value: '0x112201ab' });
    expect((await set('1', 'EFLAGS', 'CF')).body).toMatchObject({ value: '1' });
    expect(await client.evaluate('cf')).toBe('1');
    await set('0x1234', 'ES');
    expect(await client.evaluate('es.base')).toBe('0x00012340');
    expect(await client.evaluate('linear(es:1)')).toBe('0x00012341');
  });

  it('takes a value back with its explanation', async () => {
    const { value } = await find('EFLAGS');
    expect(value).toContain(' · ');
    expect((await set(value.replace('0x0000', '0x0004'), 'EFLAGS')).success).toBe(true);
  });

  it('shows, evaluates and writes registers of 64 bits', async () => {
    const wide = new SessionClient();
    await wide.launch({ cpu: 'x86-64-v3' });
    await wide.stop();
    const written = await wide.request('setExpression', { expression: 'PDPTE1', value: '0x123456789abcdef0' });
    expect(written).toEqual({ value: '0x123456789abcdef0' });
    expect(await wide.evaluate('pdpte1')).toBe('0x123456789abcdef0');
    expect(await wide.evaluate('pdpte1,d')).toBe('1311768467463790320');
    expect(await wide.evaluate('pdpte1.frame')).toBe('0x456789abcd');
    expect(await wide.evaluate('pdpte1 + 1')).toBe('0x123456789abcdef1');
    await wide.request('evaluate', { expression: 'pdpte1 = 17', context: 'repl' });
    expect(await wide.evaluate('pdpte1 + 1')).toBe('0x0000000000000012');
    const { variables } = await wide.request('variables', { variablesReference: 1 });
    const names = (variables as { name: string; variablesReference: number }[]).map(({ name }) => name);
    expect(names).toContain('EAX');
    const all: { name: string; value: string }[] = [];
    for (const { variablesReference } of variables as { variablesReference: number }[]) {
      if (variablesReference === 0) continue;
      const children = await wide.request('variables', { variablesReference });
      all.push(...(children['variables'] as typeof all));
    }
    expect(all.find(({ name }) => name === 'PDPTE1')?.value).toMatch(/^0x0000000000000011\b/);
  });

  it('leads from a vector without source to the instructions there', async () => {
    const { scopes } = (await client.request('scopes', { frameId: 0 })) as { scopes: DebugProtocol.Scope[] };
    const tables = await children(scopes.find(({ name }) => name === 'Descriptor tables')?.variablesReference ?? 0);
    const vectors = await children(tables[0]?.variablesReference ?? 0);
    const locationReference = vectors[0x10]?.valueLocationReference ?? 0;
    const { source, line } = (await client.request('locations', { locationReference })) as {
      source: DebugProtocol.Source;
      line: number;
    };
    expect(line).toBe(1);
    expect(source.name).toMatch(/^0x000f\w{4}\.asm$/);
    const { content } = await client.request('source', { source, sourceReference: source.sourceReference });
    expect(content).toMatch(new RegExp(`^${source.name?.slice(0, 10)}  \\w+.*\n0x000f`));
    expect((await client.send('locations', { locationReference: 0 })).success).toBe(false);
  });

  it('shows CPUID as registers that cannot be written, and model-specific registers by group with their fields', async () => {
    client = new SessionClient();
    await client.launch({ cpu: 'x86-64-v3' });
    await client.stop();
    const leaves = (await children((await find('CPUID')).variablesReference)).map(
      ({ name, value }) => `${name} ${value}`,
    );
    const first =
      /^00000000h\.0 EAX 0x000000\w\w, EBX 0x756e6547, ECX 0x6c65746e, EDX 0x49656e69 · vendor, highest leaf$/;
    expect(leaves[0]).toMatch(first);
    expect(leaves.filter((text) => text.startsWith('00000004h.'))).toHaveLength(4);
    expect((await find('CPUID', '80000008h.0', 'EAX')).value).toMatch(/ · physical=\d+ linear=48$/);
    expect((await find('CPUID', '00000001h.0', 'EDX', 'TSC')).value).toBe('1');
    expect((await set('1', 'CPUID', '00000001h.0', 'EDX')).message).toBe('EDX cannot be set to 1');
    expect((await find('System calls', 'IA32_STAR')).value).toBe('0x0000000000000000');
    await set('0x0013000800001234', 'System calls', 'IA32_STAR');
    expect((await find('System calls', 'IA32_STAR')).value).toMatch(/ · EIP=4660 SYSCALL=8 SYSRET=19$/);
    await set('0x1b', 'System calls', 'IA32_STAR', 'SYSCALL');
    expect((await find('System calls', 'IA32_STAR')).value).toMatch(/^0x0013001b00001234 /);
    expect((await find('Memory types (MTRR, PAT)', 'IA32_PAT', 'PA1')).value).toBe('0x04');
    const seen = new Set<number>();
    const walk = async (reference: number): Promise<void> => {
      expect(seen.has(reference)).toBe(false);
      seen.add(reference);
      for (const { variablesReference } of await children(reference)) {
        if (variablesReference > 0) await walk(variablesReference);
      }
    };
    await walk(1);
    expect((await client.send('variables', { variablesReference: 4_900_000 })).success).toBe(false);
  });

  it('refuses what cannot be written', async () => {
    expect((await set('1', 'Events and privilege', 'CPL')).message).toBe('CPL cannot be set to 1');
    expect((await set('1', 'Descriptor tables', 'GDTR')).message).toMatch(/cannot be written as a whole/);
    expect((await set('1 +', 'EAX')).message).toBe('1 +: expected a value, found the end (column 4)');
    expect((await client.send('setExpression', { expression: 'al', value: '0x1ff' })).message).toBe(
      '0x1ff does not fit into 8 bits',
    );
    expect((await client.send('setExpression', { expression: 'zf', value: '2' })).message).toBe(
      '0x2 does not fit into one bit',
    );
    expect(await client.request('setExpression', { expression: 'al', value: '-1' })).toMatchObject({ value: '0xff' });
    const nothing = await client.send('setVariable', { variablesReference: 1, name: 'XYZ', value: '1' });
    expect(nothing.message).toBe('there is no XYZ under 1');
  });

  it('goes on from a new EIP', async () => {
    await set('0x7c4a', 'EIP');
    expect(await client.event('invalidated')).toEqual({ areas: ['all'] });
    expect(await client.place()).toBe('50 inner (0000:7C4A)');
    expect(await client.run('next')).toBe('step 51 inner+0x3 (0000:7C4D)');
  });

  it('evaluates, and assigns in the console only', async () => {
    expect(await client.request('evaluate', { expression: 'word[start]' })).toMatchObject({
      result: '0xc031 (49201)',
      variablesReference: 0,
      memoryReference: '0x00007c00',
    });
    expect(await client.request('evaluate', { expression: "al = 'A'", context: 'repl' })).toMatchObject({
      result: '0x41 (65)',
    });
    expect(await client.request('evaluate', { expression: 'al,c' })).toMatchObject({ result: "'A'" });
    const watch = await client.send('evaluate', { expression: 'al = 1', context: 'watch' });
    expect(watch.message).toMatch(/assignment is not allowed here/);
    expect(await client.request('setExpression', { expression: 'byte[600h]', value: '0x12 (18)' })).toEqual({
      value: '0x12',
    });
    expect(await client.evaluate('byte[600h]')).toBe('0x12');
  });

  it('finds local labels where it stands', async () => {
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'inner' }] });
    await client.run('continue');
    expect(await client.evaluate('.never')).toBe('0x00007c52');
  });

  it('reads and writes memory', async () => {
    const reference = { memoryReference: '0x600' };
    expect(await client.request('writeMemory', { ...reference, data: 'AQIDBA==' })).toEqual({
      offset: 0,
      bytesWritten: 4,
    });
    expect(await client.request('readMemory', { ...reference, offset: 1, count: 3 })).toEqual({
      address: '0x00000601',
      data: 'AgME',
    });
    expect(await client.request('readMemory', { memoryReference: 'p:0x600', count: 2 })).toEqual({
      address: 'p:0x00000600',
      data: 'AQI=',
    });
    expect(await client.request('readMemory', { ...reference, offset: -0x601, count: 4 })).toMatchObject({
      data: '',
      unreadableBytes: 4,
    });
    expect(await client.request('readMemory', { memoryReference: '0xfffffffe', count: 16 })).toMatchObject({
      unreadableBytes: 14,
    });
    for (const memoryReference of ['start', '07C0:0000', 'cs:7C00h', '0x7c00', '31744']) {
      expect(await client.request('readMemory', { memoryReference, count: 2 })).toMatchObject({
        address: '0x00007c00',
        data: 'McA=',
      });
    }
    expect((await client.send('readMemory', { memoryReference: 'nowhere', count: 1 })).message).toBe(
      'nowhere is no memory reference (no register, flag or label is called nowhere); write 0x7c00 (linear), ' +
        'p:0x7c00 (physical), 0000:7C00, a label or an expression',
    );
    expect((await client.send('scopes', { frameId: 77 })).message).toBe('there is no frame 77; stackTrace lists them');
    expect((await client.send('setExpression', { expression: 'counter', value: '1' })).message).toBe(
      'counter is an address; write byte[counter] or word[counter]',
    );
    expect((await client.send('writeMemory', { ...reference, data: '!' })).message).toBe('the data is not base64');
  });

  it('runs code that was written', async () => {
    // mov al, 7; out 0F4h, al
    await client.request('writeMemory', { memoryReference: '0x7c02', data: 'sAfm9A==' });
    await client.request('continue', { threadId: 1 });
    expect(await client.event('exited')).toEqual({ exitCode: 15 });
  });

  it('disassembles around an address with symbols and lines', async () => {
    const { instructions } = await client.request('disassemble', {
      memoryReference: '0x7c0e',
      instructionOffset: -3,
      instructionCount: 8,
    });
    expectGolden(
      'disassembly',
      (instructions as DebugProtocol.DisassembledInstruction[]).map((line) => JSON.stringify(line)),
    );
  });

  it('gives as many instructions as asked for, whatever the address', async () => {
    for (const memoryReference of ['0x0', '0x7c00', '0xfffffff0', '0x9ffff', '0xfffffff']) {
      const { instructions } = await client.request('disassemble', {
        memoryReference,
        instructionOffset: -50,
        instructionCount: 120,
      });
      expect(instructions).toHaveLength(120);
    }
  });

  it('refuses lists and blocks that would exhaust it', async () => {
    expect((await client.send('readMemory', { memoryReference: '0x0', count: 2 ** 40 })).message).toMatch(/at most/);
    const given = { memoryReference: '0x7c00', instructionCount: 1e9 };
    expect((await client.send('disassemble', given)).message).toMatch(/at most/);
  });

  it('finds who called a service of the BIOS', async () => {
    // xor ah, ah; int 16h: waits for a key.
    await client.request('writeMemory', { memoryReference: '0x7c00', data: 'MOTNFg==' });
    await client.request('continue', { threadId: 1 });
    for (let slice = 0; slice < 20; slice++) client.host.runOne();
    await client.run('pause');
    const { stackFrames } = await client.request('stackTrace', { threadId: 1 });
    const [service, caller] = stackFrames as DebugProtocol.StackFrame[];
    expect(service?.name).toMatch(/^INT 16h: F000:/);
    expect(caller?.name).toBe('start+0x4 (0000:7C04)');
    client.session.receiveScreen({ type: 'keys', scanCodes: [0x1e, 0x9e] });
    expect(await client.run('stepOut')).toMatch(/0000:7C04/);
    expect(await client.evaluate('al')).toBe('0x61');
  });

  it('knows the callers', async () => {
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'inner' }] });
    await client.run('continue');
    const { stackFrames, totalFrames } = await client.request('stackTrace', { threadId: 1 });
    expect(totalFrames).toBe(3);
    expect((stackFrames as DebugProtocol.StackFrame[]).map(({ name, line }) => ({ name, line }))).toEqual([
      { name: 'inner (0000:7C4A)', line: 50 },
      { name: 'outer+0x4 (0000:7C48)', line: 45 },
      { name: 'again+0x1c (0000:7C2A)', line: 28 },
    ]);
  });
});
