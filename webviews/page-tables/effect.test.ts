/** What the view says a page allows, against the walk that decides about accesses. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ATTRIBUTE, KEY_SHIFT } from '../../debug-adapter/protocol/page-tables.ts';
import { explainWalk, type PagingRules } from '../../vm-core/index.ts';
import { effectFor, effectText } from './effect.ts';

const flags = ['writeProtect', 'noExecute', 'smep', 'smap'] as const;
const CONTROLS = { writeProtect: 'WP', noExecute: 'NXE', smep: 'SMEP', smap: 'SMAP' } as const;

describe('the effect of a page’s attributes', () => {
  it('is what a walk to the page decides, for every access and privilege', () => {
    const page = fc.record({ writable: fc.boolean(), user: fc.boolean(), noExecute: fc.boolean(), key: fc.nat(15) });
    const rulesOf = fc.record({
      ...{ writeProtect: fc.boolean(), noExecute: fc.boolean(), smep: fc.boolean(), smap: fc.boolean() },
      ...{ userKeys: fc.nat(0xffff_ffff), supervisorKeys: fc.nat(0xffff_ffff), hasKeys: fc.boolean() },
    });
    fc.assert(
      fc.property(page, rulesOf, ({ writable, user, noExecute, key }, given) => {
        const executable = !(noExecute && given.noExecute);
        const keys = given.hasKeys ? given : { userKeys: 0, supervisorKeys: 0 };
        const rules: PagingRules = {
          ...{ levels: 4, root: 0, pointers: new Uint32Array(8), physicalBits: 40, pse36: true, pcid: 0 },
          ...{ gigabytePages: true, largePages: true, globalPages: true },
          ...{ ...given, userKeys: keys.userKeys, supervisorKeys: keys.supervisorKeys },
        };
        const low = 1 | (writable ? 2 : 0) | (user ? 4 : 0);
        const high = (executable ? 0 : 0x8000_0000) | (key << 27);
        // One table is all levels; its first entry a page of itself.
        const read = (address: number): number => (address % 8 === 0 ? low : address < 0x1000 ? high >>> 0 : 0);
        const attributes =
          (writable ? ATTRIBUTE.WRITABLE : 0) |
          (user ? ATTRIBUTE.USER : 0) |
          (executable ? 0 : ATTRIBUTE.NO_EXECUTE) |
          (key << KEY_SHIFT);
        const controls = flags.filter((name) => given[name]).map((name) => CONTROLS[name]);
        for (const privilege of ['supervisor', 'user'] as const) {
          const { allowed } = effectFor(privilege, attributes, { controls, ...keys });
          for (const kind of ['read', 'write', 'fetch'] as const) {
            const { errorCode } = explainWalk(rules, read, 0, { kind, privilege, ac: false });
            expect(allowed.includes(kind), `${privilege} ${kind}`).toBe(errorCode === undefined);
          }
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('says what takes a right away', () => {
    const rules = { controls: ['WP', 'NXE', 'SMEP', 'SMAP'], userKeys: 0b1000, supervisorKeys: 0 };
    const { USER, WRITABLE } = ATTRIBUTE;
    expect(effectText(USER | WRITABLE, rules)).toBe(
      'Supervisor: nothing (SMAP: data only while EFLAGS.AC is set; SMEP: no fetch) · User: read, write, fetch',
    );
    expect(effectText(USER | WRITABLE | (1 << KEY_SHIFT), { ...rules, controls: ['WP'] })).toBe(
      'Supervisor: read, fetch (Protection key 1: no writes) · User: read, fetch (Protection key 1: no writes)',
    );
    expect(effectText(0, { ...rules, controls: [] })).toBe(
      'Supervisor: read, write, fetch (CR0.WP is clear: writes are allowed) · User: nothing',
    );
  });
});
