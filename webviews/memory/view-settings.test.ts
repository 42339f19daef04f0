import { expect, it } from 'vitest';
import { initialSettings, restoredSettings } from './view-settings.ts';

it('takes kept settings up, and what is not right as in a new view', () => {
  const kept = { ...initialSettings, space: 'physical', address: 0xb8000, groupSize: 4, follow: true } as const;
  expect(restoredSettings(structuredClone(kept))).toEqual(kept);
  expect(restoredSettings({ ...kept, address: -(2 ** 47) }).address).toBe(-(2 ** 47));
  expect(
    restoredSettings({ ...kept, space: 'virtual', address: 2 ** 60, groupSize: 3, follow: 'yes', text: 1 }),
  ).toEqual(initialSettings);
  for (const nothing of [undefined, null, 'x', []]) expect(restoredSettings(nothing)).toEqual(initialSettings);
});
