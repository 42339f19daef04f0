import { describe, expect, it } from 'vitest';
import { isPageTablesRequest } from './page-tables-request.ts';

const access = { kind: 'read', privilege: 'user' };

describe('requests of the page-table view', () => {
  it.each([
    { type: 'visible', visible: true },
    { type: 'root', text: '', mode: 'current' },
    { type: 'root', text: '1000', mode: '5-level' },
    { type: 'cancel' },
    { type: 'table', level: 4, address: 0x1000, linear: -(2 ** 47) },
    { type: 'walk', text: 'start', access },
    { type: 'edit', address: 0x1000, value: '83' },
    { type: 'watch', address: 0x1000, on: true },
    { type: 'tlb' },
  ])('are taken: %j', (message) => {
    expect(isPageTablesRequest(message)).toBe(true);
  });

  it.each([
    undefined,
    {},
    { type: 'toString' },
    { type: 'visible' },
    { type: 'root', text: 'x'.repeat(1001), mode: 'current' },
    { type: 'root', text: '0' },
    { type: 'root', text: '0', mode: '6-level' },
    { type: 'table', level: 6, address: 0, linear: 0 },
    { type: 'table', level: 1, address: 0.5, linear: 0 },
    { type: 'table', level: 1, address: 0, linear: Number.NaN },
    { type: 'walk', text: 'a', access: { kind: 'jump', privilege: 'user' } },
    { type: 'walk', text: 'a' },
    { type: 'edit', address: 2 ** 52, value: '0' },
    { type: 'watch', address: -5, on: true },
  ])('are refused: %j', (message) => {
    expect(isPageTablesRequest(message)).toBe(false);
  });
});
