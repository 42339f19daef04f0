import { describe, expect, it } from 'vitest';
import { isCompiledCodeRequest } from './compiled-code-request.ts';

describe('requests of a view of compiled code', () => {
  it.each([
    { type: 'visible', visible: false },
    { type: 'refresh' },
    { type: 'show', id: '31744 31744 16' },
    { type: 'show', id: '-2147483648 16777216 64' },
  ])('are taken: %j', (request) => {
    expect(isCompiledCodeRequest(request)).toBe(true);
  });

  it.each([
    undefined,
    'refresh',
    {},
    { type: 'toString' },
    { type: 'visible', visible: 1 },
    { type: 'show' },
    { type: 'show', id: 31744 },
    { type: 'show', id: '' },
    { type: 'show', id: '<script>' },
    { type: 'show', id: '1'.repeat(81) },
  ])('are refused: %j', (request) => {
    expect(isCompiledCodeRequest(request)).toBe(false);
  });
});
