/** The groups of registers that late models have: local APIC, performance counters, branch records. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { describe, expect, it } from 'vitest';
import { expectGolden } from './support/golden.ts';
import { SessionClient } from './support/session-client.ts';

const GROUPS = ['Local APIC', 'Performance counters', 'Branch records'];

/** A session that stands at the boot sector. */
async function launched(given: object): Promise<SessionClient> {
  const client = new SessionClient();
  await client.launch(given);
  await client.stop();
  return client;
}

const children = async (client: SessionClient, variablesReference: number): Promise<DebugProtocol.Variable[]> =>
  (await client.request('variables', { variablesReference }))['variables'] as DebugProtocol.Variable[];

async function walk(client: SessionClient, reference: number, indent: string, lines: string[]): Promise<void> {
  for (const { name, value, variablesReference } of await children(client, reference)) {
    lines.push(`${indent}${name} = ${value}`);
    if (variablesReference > 0) await walk(client, variablesReference, `${indent}  `, lines);
  }
}

/** The groups with all that is in them. */
async function shown(client: SessionClient): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const { name, variablesReference } of await children(client, 1)) {
    if (!GROUPS.includes(name)) continue;
    lines.push(name);
    await walk(client, variablesReference, '  ', lines);
  }
  return lines;
}

/** Sets a register of a group; gives what is shown of it then. */
async function set(client: SessionClient, group: string, name: string, value: string): Promise<string> {
  const { variablesReference = 0 } = (await children(client, 1)).find((each) => each.name === group) ?? {};
  await client.request('setVariable', { variablesReference, name, value });
  const found = (await children(client, variablesReference)).find((each) => each.name === name);
  return found?.value ?? `no ${name}`;
}

describe('the registers of the model max', () => {
  it('are shown with their fields', async () => {
    expectGolden('registers-of-max', await shown(await launched({ cpu: 'max' })));
  });

  it('take values, and show what they mean', async () => {
    const client = await launched({ cpu: 'max' });
    expectGolden('registers-written', [
      await set(client, 'Local APIC', 'APIC_SVR', '0x1ff'),
      await set(client, 'Local APIC', 'APIC_LVT_LINT0', '0x8700'),
      await set(client, 'Local APIC', 'APIC_LVT_TIMER', '0x20031'),
      await set(client, 'Performance counters', 'IA32_PERFEVTSEL0', '0x4300c0'),
      await set(client, 'Branch records', 'IA32_DEBUGCTL', '0x3'),
    ]);
  });

  it('have no local APIC where it is hidden', async () => {
    const client = await launched({ cpu: 'max', localApic: 'hidden' });
    const groups = (await children(client, 1)).map(({ name }) => name);
    expect(GROUPS.filter((name) => groups.includes(name))).toEqual(['Performance counters', 'Branch records']);
    const all: string[] = [];
    await walk(client, 1, '', all);
    const names = all.map((line) => line.trim().split(' = ')[0]);
    expect(names).toContain('IA32_DEBUGCTL');
    expect(names).not.toContain('IA32_APIC_BASE');
    expect(names).not.toContain('IA32_TSC_DEADLINE');
    const { result } = await client.request('evaluate', { expression: 'cpuid 1', context: 'repl' });
    expect(result).toMatch(/ SSE3 /);
    expect(result).not.toMatch(/APIC|TSC-Deadline/);
  });
});
