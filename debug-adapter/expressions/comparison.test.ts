import { expect, it } from 'vitest';
import { filtersOf } from './comparison.ts';

const described = (text: string, isLong = false): string | undefined => {
  const found = filtersOf(text, isLong).register;
  return found && `${found.register.name}[${found.low}+${found.width}] ${found.comparison} ${found.value}`;
};

it.each([
  ['eax == 3', 'EAX[0+32] == 3'],
  ['AH != 0x12', 'EAX[8+8] != 18'],
  ['5 < si', 'ESI[0+16] > 5'],
  ['0 >= cs', 'CS[0+16] <= 0'],
  ['ecx <= -1', 'ECX[0+32] <= 4294967295'],
  ['CR0.PE == 1', 'CR0[0+1] == 1'],
])('%s compares a register with a number', (text, expected) => {
  expect(described(text)).toBe(expected);
});

it.each([
  'eax',
  'ZF == 1',
  'eax == ebx',
  'ecx && eax == 3',
  'eax == 3 || ecx == 4',
  'word [0x7c00] == 1',
  '$eax == 1',
  'eax + 1 == 2',
  '1 == 1',
])('%s is something else', (text) => {
  expect(filtersOf(text, false)).toEqual({ cpu: undefined, register: undefined });
});

it.each([
  ['rdi == 0x123456789', 'RDI[0+32] == 591751049'],
  ['rax == -1', 'RAX[0+32] == 4294967295'],
  ['rax == -0x100000000', 'RAX[0+32] == 0'],
  ['cr3 == 5000h', 'CR3[0+32] == 20480'],
  ['eax != 0x100000000', undefined],
  ['eax < 0x100000000', undefined],
  ['rax != 3', undefined],
  ['cr3 > 3', undefined],
  ['r9d < 3', 'R9[0+32] < 3'],
])('of %s with 64 bits only the lower half of == is tried', (text, expected) => {
  expect(described(text, true)).toBe(expected);
});

it.each([
  ['cpu == 1', 1, undefined],
  ['2 == CPU', 2, undefined],
  ['cpu == 1 && eax == 3', 1, 'EAX[0+32] == 3'],
  ['eax == 3 && (cpu == 1 && ebx == 2)', 1, 'EAX[0+32] == 3'],
  ['ah == 2 && byte [0x500] && cpu == 1', undefined, 'EAX[8+8] == 2'],
  ['byte [0x500] && cpu == 1', undefined, undefined],
  ['cpu != 1', undefined, undefined],
  ['$cpu == 1', undefined, undefined],
  ['cpu == 1 || eax == 3', undefined, undefined],
])('%s names the processor and the comparison that the machine can try', (text, cpu, register) => {
  expect(filtersOf(text, false).cpu).toBe(cpu);
  expect(described(text)).toBe(register);
});
