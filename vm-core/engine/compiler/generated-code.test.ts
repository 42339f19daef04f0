/** The WebAssembly that typical loops become, beside this file in `golden`; `UPDATE=1` writes it anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModuleBuilder } from '../../wasm/module-builder.ts';
import { CODE_ARENA, CODE_ARENA_END, PAGE_SIZE, REGION_COUNTERS } from '../../memory/layout.ts';
import { functionText } from '../../wasm/text.ts';
import { internal } from '../../state/layout.ts';
import { interpreter, MEMORY_PAGES_MAX } from '../interpreter.ts';
import { PagedGuest, PROGRAM } from '../paged-guest.ts';
import { defineRegion } from './region-definition.ts';
import { discoverRegion, type Region } from './region-graph.ts';
import { orderRegion } from './region-order.ts';
import { defaultEngine, type Engine } from './tiers.ts';

const update = process.env['UPDATE'] === '1';

let before: Engine;
beforeAll(() => {
  before = defaultEngine.name;
  defaultEngine.name = 'interpreter';
});
afterAll(() => {
  defaultEngine.name = before;
});

/** Runs 32-bit code until all of it is decoded. */
function regionOf(program: string): { readonly region: Region; readonly facts: number } {
  const guest = new PagedGuest(program);
  guest.machine.loop.run({ instructionsMax: 500 });
  const { code, state } = guest.machine.processor;
  const root = code.keptAt(PROGRAM, PROGRAM, 32);
  if (!root) throw new Error('nothing is decoded at the program');
  const source = {
    view: state.view,
    handlers: interpreter(32),
    isRealMode: false,
    handlerOf: () => undefined,
    blockAt: (linear: number | bigint) => code.keptAt(linear, Number(linear), 32),
    targetsOf: () => [],
    isCalled: () => false,
  };
  const region = discoverRegion(source, root, BigInt(PROGRAM));
  if (!region) throw new Error('there is no region');
  return { region, facts: state.read32(internal.SEGMENT_FACTS) | 0 };
}

function textOf(program: string): string {
  const { region, facts } = regionOf(program);
  const module = new ModuleBuilder(MEMORY_PAGES_MAX, 0);
  defineRegion(module, 'region', region, {
    facts,
    counters: 0,
    functionPlace: () => 0,
    storesBesideCode: false,
    cpu: undefined,
  });
  return named(functionText(module.build(), 0));
}

const fieldNames = new Map(Object.entries(internal).map(([name, offset]) => [offset as number, name]));

/** Names instead of numbers that change with what else there is. */
function named(text: string): string {
  return text
    .replace(/offset=(\d+)/g, (whole, offset) => {
      if (Number(offset) >= REGION_COUNTERS) return `offset=REGION_COUNTERS+${Number(offset) - REGION_COUNTERS}`;
      const name = fieldNames.get(Number(offset));
      return name ? `offset=${name}` : whole;
    })
    .replace(/i32\.const (\d+)/g, (whole, digits) => {
      const number = Number(digits);
      if (number >= CODE_ARENA && number < CODE_ARENA_END) return `i32.const CODE_ARENA+${number - CODE_ARENA}`;
      const [distance, exit] = [Math.floor(number / 32) - CODE_ARENA, number % 32];
      return distance >= 0 && distance < PAGE_SIZE ? `i32.const 32*(CODE_ARENA+${distance})+${exit}` : whole;
    });
}

describe('generated code', () => {
  it.each([
    ['counted-loop', '[add eax,ebx] 01 d8  [dec ecx] 49  [jnz] 75 fb  [jmp] eb f9'],
    ['step-loop', '[inc eax] 40  [cmp eax,9] 83 f8 09  [jb] 72 fa  [jmp] eb f8'],
    ['load-compare', '[mov eax,[esi]] 8b 06  [cmp eax,5] 83 f8 05  [jb] 72 f9  [jmp] eb f7'],
    ['call', '[call] e8 02 00 00 00  [jmp] eb f9  [inc eax] 40  [ret] c3'],
  ])('%s', (name, program) => {
    const file = join(import.meta.dirname, 'golden', `${name}.txt`);
    const text = `${program}\n\n${textOf(program)}`;
    if (update) writeFileSync(file, text);
    expect(text).toBe(readFileSync(file, 'utf8'));
  });
});

describe('a region', () => {
  it('keeps a loop in a loop as loops, with what follows behind them', () => {
    // outer: mov ecx,3; inner: dec ecx; jnz inner; dec edx; jnz outer; jmp outer
    const { region } = regionOf('b9 03 00 00 00  49  75 fd  4a  75 f5  eb f3');
    const root = orderRegion(region);
    expect(root.isLoop).toBe(true);
    expect([...root.successors.values()].some(({ isLoop, order }) => isLoop && order > 0)).toBe(true);
  });

  it('has a dispatcher for loops with several entries, so that no edge leaves it', () => {
    // mov ecx,3; test al,1; jnz second; first: inc eax; second: dec ecx; jnz first; jmp second
    const { region } = regionOf('b9 03 00 00 00  a8 01  75 01  40  49  75 fc  eb fb');
    const first = orderRegion(region);
    expect(first.dispatches?.length).toBeGreaterThan(1);
    const seen = new Set([first]);
    for (const node of seen) {
      for (const next of node.successors.values()) {
        seen.add(next);
        expect(next.order > node.order || next.isLoop).toBe(true);
      }
      expect(node.successors.size).toBe(new Set([...node.node.targets, node.node.next ?? node.node.targets[0]]).size);
    }
    expect(seen.size).toBe(region.nodes.size + 1);
  });
});
