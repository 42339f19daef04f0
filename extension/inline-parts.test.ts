import { expect, it } from 'vitest';
import { nearestInspectables } from './inline-parts.ts';

const LINES = ['start:', '  mov ax, 1', '  mov si, text', '  mov al, [si]', '  inc AX', '  mov bx, 2'];
const shown = (first: number, last: number) =>
  nearestInspectables((index) => LINES[index] ?? '', first, last).map(({ line, part }) => `${line} ${part.text}`);

it('shows a value once, on the line nearest to the stop, and none below it', () => {
  expect(shown(0, 4).sort()).toEqual(['3 [si]', '3 al', '3 si', '4 AX']);
});

it('keeps to the lines in view', () => {
  expect(shown(4, 4)).toEqual(['4 AX']);
  expect(shown(5, 4)).toEqual([]);
});

it('is bounded', () => {
  const lines = Array.from({ length: 500 }, (_, index) => `  mov ax, [bx + ${index}]`);
  expect(nearestInspectables((index) => lines[index] ?? '', 0, 499).length).toBeLessThan(110);
});
