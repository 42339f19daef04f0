/** Commands about the processor: `cpuid` shows what the guest is told of it, `code` what was decoded for it. */
import { type CpuidAnswer, cpuid, cpuidLeaves, featuresOfLeaf, modelFacts } from '../../../vm-core/index.ts';
import { localized } from '../../protocol/localized.ts';
import { isApicOff } from '../cpuid-view.ts';
import type { Guest } from '../guest.ts';
import { compileNumberList } from '../number-list.ts';
import { UserError } from '../user-error.ts';
import { type ConsoleCommand, hex } from './console-command.ts';

const REGISTERS = ['EAX', 'EBX', 'ECX', 'EDX'] as const;

export const processorCommands: readonly ConsoleCommand[] = [
  {
    name: 'cpuid',
    usage: '[leaves]',
    help: 'Shows what CPUID answers: all leaves, or those given, such as 0-7 or 80000001h.',
    words: () => [],
    run: ({ guest }, words) => showLeaves(guest, words),
  },
  {
    name: 'code',
    usage: '',
    help: 'Counts how decoded code came and went.',
    words: () => [],
    run: ({ guest }) => countCode(guest),
  },
];

function countCode({ vcpu: { codeCounters: count } }: Guest): string {
  const there = `${count.kept} blocks kept, ${count.decoded} decoded, ${count.found} found by physical address`;
  const gone = `${count.dropped} dropped for writes and breakpoints, ${count.evicted} made room for others`;
  return `${there}; ${gone} (${count.evictions} times), ${count.flushes} flushes`;
}

function showLeaves(guest: Guest, words: readonly string[]): string {
  const model = modelFacts(guest.machine.config.cpuModel);
  const wanted = words.length === 0 ? () => true : compileNumberList(words.join(''));
  if (!wanted)
    throw new UserError('bad-argument', localized('{0}: write leaves such as 1 or 80000001h', words.join(' ')));
  const surroundings = {
    control4: guest.register('CR4'),
    extendedControl0: guest.register('XCR0'),
    miscEnable: BigInt(guest.register('IA32_MISC_ENABLE')),
    isApicOff: isApicOff(guest),
    ticksPerSecond: guest.machine.ticksPerSecond,
  };
  const lines = cpuidLeaves(model)
    .filter(({ leaf }) => wanted(leaf))
    .map(({ leaf, subleaf }) => {
      const answer = cpuid(model, leaf, subleaf, surroundings);
      const features = subleaf === 0 ? featuresOfLeaf(leaf, answer).join(' ') : '';
      return `${hex(leaf, 8)}h.${subleaf}  ${valuesOf(answer)}  ${features}`.trimEnd();
    });
  return lines.length > 0 ? lines.join('\n') : localized('The model {0} has no such leaf.', model.name);
}

function valuesOf(answer: CpuidAnswer): string {
  return REGISTERS.map((name) => `${name} ${hex(answer[name], 8)}`).join('  ');
}
