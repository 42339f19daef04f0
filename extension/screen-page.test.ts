import { expect, it } from 'vitest';
import { fillPage } from './screen-page.ts';

const values = { cspSource: 'c', nonce: 'n', script: 's', style: 'y', codicons: '$&', speaker: 'w' };

it('fills placeholders literally, as often as they stand', () => {
  expect(fillPage('{{nonce}} {{codicons}} {{nonce}}', values)).toBe('n $& n');
});

it('throws for a placeholder that it does not know', () => {
  expect(() => fillPage('{{other}}', values)).toThrow('{{other}}');
});
