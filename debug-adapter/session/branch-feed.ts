/**
 * Feeds the view of the last branches at every stop. While the view is not visible nothing is read; the record of the
 * machine is the debugger's own, of which the guest sees nothing.
 */
import { localized } from '../protocol/localized.ts';
import { type BranchesRequest, type BranchesUpdate, statusWithoutBranches } from '../protocol/branches.ts';
import { branchRows } from './branch-rows.ts';
import { textSource } from './code-locations.ts';
import type { Guest } from './guest.ts';
import { locationOf, sourceOf } from './source-lines.ts';
import { StopFeed } from './stop-feed.ts';
import { UserError } from './user-error.ts';

/** Rows at most; the machine keeps no more branches than that. */
const ROWS_MAX = 1024;

export class BranchFeed extends StopFeed<BranchesRequest, BranchesUpdate> {
  protected override answer(request: Exclude<BranchesRequest, { readonly type: 'visible' }>): void {
    switch (request.type) {
      case 'record':
        this.#present.machine.recordsBranches = request.on;
        this.refresh();
        return;
      case 'clear':
        this.#clear(this.#present);
        return;
      case 'locate':
        this.#locate(this.#present, request.address);
    }
  }

  get #present(): Guest {
    const { guest } = this;
    if (guest) return guest;
    throw new UserError('not-launched', localized('there is no machine yet; launch one first'));
  }

  /** A record that is turned on begins anew. */
  #clear({ machine }: Guest): void {
    const on = machine.recordsBranches;
    machine.recordsBranches = false;
    machine.recordsBranches = on;
    this.refresh();
  }

  #locate(guest: Guest, linearAddress: number): void {
    const line = guest.symbols.lineAt(linearAddress);
    if (line) {
      const { name = line.file, path = line.file, sourceReference } = sourceOf(line.file, guest);
      const source = { name, path, ...(sourceReference === undefined ? {} : { sourceReference }) };
      this.send({ type: 'located', source, line: line.line });
      return;
    }
    const offset = guest.codeOffset(linearAddress - guest.codeBase);
    const place = { linearAddress, offset, codeSize: guest.vcpu.codeSize };
    const reference = locationOf(guest, place);
    if (reference === undefined) throw new UserError('bad-address', localized('there is no memory at this address'));
    this.send({ type: 'located', source: textSource(reference, place), line: 1 });
  }

  protected override sendStatus(): void {
    const { guest } = this;
    if (!guest) {
      this.send(statusWithoutBranches('none'));
      return;
    }
    const isRecording = guest.machine.recordsBranches;
    const rows = branchRows(guest, ROWS_MAX);
    const cpu = guest.hasSeveralCpus ? guest.vcpu.index : undefined;
    this.send({ type: 'status', state: this.state, isRecording, cpu, rows });
  }
}
