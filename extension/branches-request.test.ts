import { describe, expect, it } from 'vitest';
import { isBranchesRequest } from './branches-request.ts';

describe('requests of a view of the last branches', () => {
  it.each([
    { type: 'visible', visible: true },
    { type: 'record', on: false },
    { type: 'clear' },
    { type: 'locate', address: 0x7c00 },
    { type: 'locate', address: -4096 },
    { type: 'step' },
  ])('are taken: %j', (request) => {
    expect(isBranchesRequest(request)).toBe(true);
  });

  it.each([
    undefined,
    'clear',
    {},
    { type: 'constructor' },
    { type: 'visible' },
    { type: 'record', on: 1 },
    { type: 'locate', address: '7C00' },
    { type: 'locate', address: 1.5 },
    { type: 'locate', address: 2 ** 60 },
  ])('are refused: %j', (request) => {
    expect(isBranchesRequest(request)).toBe(false);
  });
});
