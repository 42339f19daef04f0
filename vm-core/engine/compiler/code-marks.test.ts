import { expect, it } from 'vitest';
import { CodeMarks, readMarks } from './code-marks.ts';

it('tells which instruction code is about', () => {
  const f = { size: 10 };
  const marks = new CodeMarks(f);
  marks.begin(0);
  f.size = 20;
  marks.begin(3);
  marks.around(() => {
    f.size = 30;
    marks.begin(5);
    f.size = 40;
  });
  f.size = 50;
  marks.begin(undefined);
  const finished = marks.finish((place) => place + 100);
  expect([0, 109, 110, 119, 120, 131, 140, 149, 150].map(readMarks(finished))).toEqual([
    ...[undefined, undefined, 0, 0, 3],
    ...[5, 3, 3, undefined],
  ]);
});

it('forgets instructions of which nothing was written', () => {
  const f = { size: 0 };
  const marks = new CodeMarks(f);
  marks.begin(1);
  marks.begin(2);
  f.size = 4;
  marks.begin(2);
  expect([...marks.finish((place) => place)]).toEqual([0, 2]);
});
