/**
 * Feeds the view of compiled code: at every stop, and when the view asks. While the view is not visible nothing is read;
 * what is read is the machine's own record, of which the guest sees nothing.
 */
import { localized } from '../protocol/localized.ts';
import { type CompiledCodeRequest, type CompiledCodeUpdate, statusWithoutCode } from '../protocol/compiled-code.ts';
import { generatedLines, guestLines } from './compiled-listing.ts';
import { compiledTotals, hottestRegions, regionId, regionRows } from './compiled-rows.ts';
import { StopFeed } from './stop-feed.ts';
import { UserError } from './user-error.ts';

/** Rows at most: nobody reads those of regions that ran less. */
const ROWS_MAX = 1000;

export class CompiledFeed extends StopFeed<CompiledCodeRequest, CompiledCodeUpdate> {
  protected override answer(request: Exclude<CompiledCodeRequest, { readonly type: 'visible' }>): void {
    switch (request.type) {
      case 'refresh':
        this.sendStatus();
        return;
      case 'show':
        this.#show(request.id);
    }
  }

  #show(id: string): void {
    const { guest } = this;
    const region = guest && hottestRegions(guest).find((each) => regionId(each) === id);
    if (!region) throw new UserError('bad-argument', localized('this code is compiled no more'));
    this.send({ type: 'code', id, guest: guestLines(guest, region), generated: generatedLines(region) });
  }

  protected override sendStatus(): void {
    const { guest } = this;
    if (!guest) {
      this.send(statusWithoutCode('none'));
      return;
    }
    const totals = compiledTotals(guest.machine);
    const regions = hottestRegions(guest);
    const rows = regionRows(guest, regions, regions.slice(0, ROWS_MAX));
    this.send({ type: 'status', state: this.state, ...(totals ? { totals } : {}), rows });
  }
}
