/** The vCPUs of a machine and what is done with all of them: one is made for each thread of the topology. */
import type { Topology } from '../cpu/topology.ts';
import { cpuCount } from '../cpu/topology.ts';
import { ignoreFloatErrors } from '../cpu/x87-errors.ts';
import { MonitoredLine } from '../engine/monitored-line.ts';
import { Processor } from '../engine/processor.ts';
import { resetProcessor } from '../engine/processor-init.ts';
import type { ProcessorSurroundings, SharedByProcessors } from '../engine/surroundings.ts';
import type { PhysicalMap } from '../memory/physical-map.ts';
import { internal } from '../state/layout.ts';
import type { CompiledCode } from './compiled-code.ts';
import type { MachineEvent, Watchpoint } from './machine.ts';

export class Processors {
  readonly all: readonly [Processor, ...Processor[]];
  /** Which of them runs. */
  running: () => Processor = () => this.all[0];

  /** The interrupt controllers of the PC are wired to the first one only. */
  constructor(
    memory: WebAssembly.Memory,
    map: PhysicalMap,
    topology: Topology,
    surroundings: Omit<ProcessorSurroundings, 'index' | 'topology' | 'shared'>,
  ) {
    const make = (index: number, shared?: SharedByProcessors): Processor => {
      const { timer } = surroundings;
      const name = index === 0 ? 'processor' : `processor-${index}`;
      return new Processor(memory, map, {
        ...surroundings,
        ...(index === 0 ? {} : { interruptPending: () => false, acknowledgeInterrupt: () => 0xff }),
        ...(timer && { timer: (timerName, callback) => timer(`${name}/${timerName}`, callback) }),
        ...(shared && { shared }),
        index,
        topology,
      });
    };
    const first = make(0);
    const others = Array.from({ length: cpuCount(topology) - 1 }, (_, n) => make(n + 1, first));
    this.all = [first, ...others];
    if (others.length === 0) return;
    for (const processor of this.all) processor.monitored = new MonitoredLine(map, processor);
  }

  /** RESET. */
  reset(): void {
    for (const processor of this.all) resetProcessor(processor);
  }

  get compiledCode(): CompiledCode | undefined {
    const { all } = this;
    const { compiler } = all[0];
    return (
      compiler && {
        counters: compiler.counters,
        regions: () => compiler.list(),
        get retired() {
          return all.reduce((sum, { state }) => sum + Number(state.read64(internal.COMPILED)), 0);
        },
      }
    );
  }

  forgetShortcuts(): void {
    for (const processor of this.all) processor.forgetShortcuts();
  }

  /** Memory of a device is not reached directly any more. */
  dropHosts(start: number, end: number): void {
    for (const processor of this.all) processor.linear.dropHosts(start, end);
  }

  /** IGNNE#. */
  ignoreFloatErrors(): void {
    for (const { state } of this.all) ignoreFloatErrors(state);
  }

  addWatchpoint(watchpoint: Watchpoint): void {
    for (const processor of this.#of(watchpoint)) {
      processor.watches.add(watchpoint);
      processor.forgetShortcuts();
    }
  }

  removeWatchpoint(watchpoint: Watchpoint): void {
    for (const processor of this.#of(watchpoint)) {
      processor.watches.remove(watchpoint);
      processor.forgetShortcuts();
    }
  }

  get recordsCalls(): boolean {
    return this.all[0].callShadow.isOn;
  }

  set recordsCalls(on: boolean) {
    for (const { callShadow } of this.all) callShadow.isOn = on;
  }

  get recordsTrace(): boolean {
    return this.all[0].trace.isOn;
  }

  set recordsTrace(on: boolean) {
    for (const { trace } of this.all) trace.isOn = on;
  }

  get recordsBranches(): boolean {
    return this.all[0].branches.isOn;
  }

  set recordsBranches(on: boolean) {
    for (const { branches } of this.all) branches.isOn = on;
  }

  get onEvent(): ((event: MachineEvent) => boolean) | undefined {
    return this.all[0].reports.onEvent;
  }

  set onEvent(listener: ((event: MachineEvent) => boolean) | undefined) {
    for (const { reports } of this.all) reports.onEvent = listener;
  }

  #of({ cpu }: Watchpoint): readonly Processor[] {
    return cpu === undefined ? this.all : this.all.filter(({ index }) => index === cpu);
  }
}
