import { describe, expect, it } from 'vitest';
import { isMemoryRequest } from './memory-request.ts';

const buffer = (size: number) => new ArrayBuffer(size);
const find = { type: 'find', space: 'linear', pattern: buffer(2), mask: buffer(2), start: 0, end: 2 ** 32, from: 5 };

describe('requests of a memory view', () => {
  it.each([
    { type: 'visible', visible: true },
    { type: 'show', space: 'physical', address: 0xffffffff, length: 4096 },
    { type: 'go', text: 'ss:sp' },
    { type: 'write', space: 'linear', address: 0, bytes: buffer(4) },
    { type: 'show', space: 'linear', address: -0x8000_0000, length: 4096 },
    { type: 'show', space: 'physical', address: 2 ** 40, length: 1 },
    { ...find, start: -(2 ** 47), end: 0, from: -1 },
    find,
    { type: 'cancel-find' },
    { type: 'keep' },
    { type: 'forget' },
  ])('are taken: $type', (message) => {
    expect(isMemoryRequest(message)).toBe(true);
  });

  it.each([
    null,
    'keep',
    {},
    { type: 'toString' },
    { type: 'visible' },
    { type: 'show', space: 'virtual', address: 0, length: 1 },
    { type: 'show', space: 'linear', address: -(2 ** 60), length: 1 },
    { type: 'show', space: 'linear', address: 2 ** 60, length: 1 },
    { type: 'show', space: 'linear', address: 0.5, length: 1 },
    { type: 'show', space: 'linear', address: 0, length: 2 ** 30 },
    { type: 'go', text: 'x'.repeat(1001) },
    { type: 'write', space: 'linear', address: 0, bytes: [1, 2] },
    { type: 'write', space: 'linear', address: 0, bytes: buffer(4097) },
    { ...find, mask: buffer(1) },
    { ...find, pattern: buffer(257), mask: buffer(257) },
    { ...find, end: Number.NaN },
  ])('are refused otherwise: %j', (message) => {
    expect(isMemoryRequest(message)).toBe(false);
  });
});
