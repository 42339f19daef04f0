/**
 * Feeds the view of compiled code: at every stop, and when the view asks. While the view is not visible nothing is read;
 * what is read is the machine's own record, of which the guest sees nothing.
 */
import { localized } from '../protocol/localized.ts';
import { type CompiledCodeRequest, type CompiledCodeUpdate, statusWithoutCode } from '../protocol/compiled-code.ts';
import type { ScreenState } from '../protocol/screen.ts';
import { ChosenCpu } from './chosen-cpu.ts';
import { generatedLines, guestLines } from './compiled-listing.ts';
import { compiledTotals, hottestRegions, regionId, regionRows } from './compiled-rows.ts';
import type { Guest } from './guest.ts';
import type { SessionView } from './session-view.ts';
import { UserError } from './user-error.ts';

/** Rows at most: nobody reads those of regions that ran less. */
const ROWS_MAX = 1000;

export class CompiledFeed implements SessionView {
  readonly #send: (update: CompiledCodeUpdate) => void;
  readonly #cpu = new ChosenCpu();
  #state: ScreenState = 'none';
  #visible = false;

  constructor(send: (update: CompiledCodeUpdate) => void) {
    this.#send = send;
  }

  attach(guest: Guest): void {
    this.#cpu.attach(guest);
  }

  lookAt(cpu: number): void {
    this.#cpu.lookAt(cpu);
  }

  setState(state: ScreenState): void {
    this.#state = state;
    this.refresh();
  }

  sliceDone(): void {
    // Of a running guest the view shows what there was when it asked last.
  }

  refresh(): void {
    if (this.#visible) this.#sendStatus();
  }

  detach(): void {
    this.#cpu.attach(undefined);
  }

  /** Takes a request of the view; what is wrong with it is told to the view. */
  receive(request: CompiledCodeRequest): void {
    try {
      this.#answer(request);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#send({ type: 'failed', message: error.message });
    }
  }

  #answer(request: CompiledCodeRequest): void {
    switch (request.type) {
      case 'visible':
        this.#visible = request.visible;
        this.refresh();
        return;
      case 'refresh':
        this.#sendStatus();
        return;
      case 'show':
        this.#show(request.id);
    }
  }

  #show(id: string): void {
    const { guest } = this.#cpu;
    const region = guest && hottestRegions(guest).find((each) => regionId(each) === id);
    if (!region) throw new UserError('bad-argument', localized('this code is compiled no more'));
    this.#send({ type: 'code', id, guest: guestLines(guest, region), generated: generatedLines(region) });
  }

  #sendStatus(): void {
    const { guest } = this.#cpu;
    if (!guest) {
      this.#send(statusWithoutCode('none'));
      return;
    }
    const totals = compiledTotals(guest.machine);
    const regions = hottestRegions(guest);
    const rows = regionRows(guest, regions, regions.slice(0, ROWS_MAX));
    this.#send({ type: 'status', state: this.#state, ...(totals ? { totals } : {}), rows });
  }
}
