/**
 * Commands about the processors: `cpu` lists and chooses them, `cpuid` shows what the guest is told of one, `code` what was
 * decoded for it.
 */
import { type CpuidAnswer, cpuid, cpuidLeaves, featuresOfLeaf } from '../../../vm-core/index.ts';
import { localized } from '../../protocol/localized.ts';
import { placeText } from '../code-listing.ts';
import { isApicOff, placeOf } from '../cpuid-view.ts';
import type { Debuggee } from '../debuggee.ts';
import type { Guest } from '../guest.ts';
import { compileNumberList } from '../number-list.ts';
import { threadName } from '../thread-name.ts';
import { UserError } from '../user-error.ts';
import { type ConsoleCommand, hex } from './console-command.ts';

const REGISTERS = ['EAX', 'EBX', 'ECX', 'EDX'] as const;

export const processorCommands: readonly ConsoleCommand[] = [
  {
    name: 'cpu',
    usage: '[number | alone [on|off]]',
    help:
      'Lists the CPUs with their modes and places, or goes to one: registers, memory and commands are those of that CPU then. ' +
      'With alone, the others stand still while one is stepped.',
    words: ({ guest }) => [...guest.cpus.map(({ vcpu }) => String(vcpu.index)), 'alone', 'on', 'off'],
    run: (debuggee, [first, second]) => {
      if (first === undefined) return listCpus(debuggee);
      return first.toLowerCase() === 'alone' ? stepAlone(debuggee, second) : goToCpu(debuggee, first);
    },
  },
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

function listCpus(debuggee: Debuggee): string {
  const { guest: current, running } = debuggee;
  const names = current.cpus.map((guest) => threadName(guest, running));
  const width = Math.max(...names.map((name) => name.length));
  const lines = current.cpus.map((guest, n) => {
    const mark = guest === current ? '→' : ' ';
    return `${mark} ${(names[n] as string).padEnd(width)}  ${placeText(guest, guest.vcpu.linearEip)}`;
  });
  return lines.join('\n');
}

function goToCpu(debuggee: Debuggee, word: string): string {
  const { cpus } = debuggee.guest;
  const chosen = /^\d+$/.test(word) ? cpus[Number(word)] : undefined;
  if (!chosen)
    throw new UserError('bad-argument', localized('{0}: there are the CPUs 0 to {1}', word, cpus.length - 1));
  debuggee.lookAt(chosen);
  if (!debuggee.running) debuggee.afterResponse(() => debuggee.showAgain());
  return `${threadName(chosen, debuggee.running)}  ${placeText(chosen, chosen.vcpu.linearEip)}`;
}

function stepAlone(debuggee: Debuggee, word: string | undefined): string {
  const wanted = word?.toLowerCase() ?? 'on';
  if (wanted !== 'on' && wanted !== 'off')
    throw new UserError('bad-argument', localized('{0}: write on or off', wanted));
  debuggee.stepsAlone = wanted === 'on';
  return debuggee.stepsAlone
    ? 'While a CPU is stepped, the others stand still.'
    : 'While a CPU is stepped, the others run.';
}

function countCode({ vcpu: { codeCounters: count } }: Guest): string {
  const there = `${count.kept} blocks kept, ${count.decoded} decoded, ${count.found} found by physical address`;
  const gone = `${count.dropped} dropped for writes and breakpoints, ${count.evicted} made room for others`;
  return `${there}; ${gone} (${count.evictions} times), ${count.flushes} flushes`;
}

function showLeaves(guest: Guest, words: readonly string[]): string {
  const model = guest.model;
  const wanted = words.length === 0 ? () => true : compileNumberList(words.join(''));
  if (!wanted)
    throw new UserError('bad-argument', localized('{0}: write leaves such as 1 or 80000001h', words.join(' ')));
  const surroundings = {
    control4: guest.register('CR4'),
    extendedControl0: guest.register('XCR0'),
    miscEnable: BigInt(guest.register('IA32_MISC_ENABLE')),
    isApicOff: isApicOff(guest),
    ticksPerSecond: guest.machine.ticksPerSecond,
    ...placeOf(guest),
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
