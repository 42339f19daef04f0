/**
 * Feeds the memory views of a session: what each shows, when it stops and, at a modest rate, while it runs; answers their
 * requests. While no view is visible nothing is read.
 */
import { localized } from '../protocol/localized.ts';
import type { Host } from '../host.ts';
import type { MemoryRequest, MemoryUpdate } from '../protocol/memory.ts';
import type { ScreenState } from '../protocol/screen.ts';
import { memoryOf } from './cpu-ids.ts';
import type { WrittenMemory } from './places.ts';
import type { Guest } from './guest.ts';
import { ChosenCpu } from './chosen-cpu.ts';
import { type ShownBlock, readBlock, sameBlock } from './memory-feed-block.ts';
import { MemoryMoment } from './memory-feed-moment.ts';
import { MemoryPages } from './memory-feed-pages.ts';
import { MemorySearch } from './memory-feed-search.ts';
import { formatReference, memoryReferenceOf, type Place, resolvePlaceName, writePlace } from './places.ts';
import type { SessionView } from './session-view.ts';
import { UserError } from './user-error.ts';

/** Milliseconds between two looks while the guest runs. */
const INTERVAL_MS = 100;
/** Milliseconds that a search takes before others have their turn. */
const SEARCH_MS = 6;

export interface MemoryFeedOptions {
  readonly host: Pick<Host, 'now' | 'defer'>;
  readonly send: (view: number, update: MemoryUpdate) => void;
  /** A view wrote memory: everything else that shows the guest is stale. */
  readonly written: (written: WrittenMemory) => void;
}

/** One view: what it shows, and what was sent to it. */
interface View {
  readonly cpu: ChosenCpu;
  visible: boolean;
  shown: Extract<MemoryRequest, { type: 'show' }> | undefined;
  sent: ShownBlock | undefined;
  search: MemorySearch | undefined;
}

type RequestOf<Type extends MemoryRequest['type']> = Extract<MemoryRequest, { readonly type: Type }>;

export class MemoryFeed implements SessionView {
  readonly #options: MemoryFeedOptions;
  readonly #views = new Map<number, View>();
  readonly #pages = new MemoryPages();
  #guest: Guest | undefined;
  /** Index of the processor that the user looks at. */
  #lookedAt = 0;
  #status: { readonly state: ScreenState; readonly detail: string } = { state: 'none', detail: '' };
  #kept: MemoryMoment | undefined;
  #hasStopped = false;
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: MemoryFeedOptions) {
    this.#options = options;
  }

  attach(guest: Guest): void {
    this.detach();
    this.#guest = guest;
    for (const { cpu } of this.#views.values()) cpu.attach(guest);
  }

  lookAt(index: number): void {
    this.#lookedAt = index;
    for (const [number, view] of this.#views) if (view.cpu.lookAt(index)) this.#cpuChanged(number, view);
  }

  #cpuChanged(number: number, view: View): void {
    view.search = undefined;
    if (!view.visible) return;
    this.#sendStatus(number, view);
    this.#sendBlock(number, view);
  }

  setState(state: ScreenState, detail: string): void {
    this.#status = { state, detail };
    const visible = this.#visible();
    if (visible.length === 0) this.#pages.clear();
    else if (state === 'stopped' && this.#guest) this.#stopped();
    for (const [number, view] of visible) {
      this.#sendStatus(number, view);
      this.#sendBlock(number, view);
    }
  }

  /** Before the first stop there is none to compare with: all that the firmware loaded would be marked. */
  #stopped(): void {
    if (this.#hasStopped) this.#pages.stopped();
    else this.#pages.clear();
    this.#hasStopped = true;
  }

  sliceDone(): void {
    const visible = this.#visible();
    if (visible.length === 0) return;
    const now = this.#options.host.now();
    if (now - this.#lookedAtMs < INTERVAL_MS) return;
    this.#lookedAtMs = now;
    for (const [number, view] of visible) this.#sendBlock(number, view);
  }

  refresh(): void {
    for (const [number, view] of this.#visible()) this.#sendBlock(number, view);
  }

  detach(): void {
    this.#guest = undefined;
    this.#kept = undefined;
    this.#hasStopped = false;
    this.#pages.clear();
    this.#lookedAt = 0;
    for (const view of this.#views.values()) {
      view.search = undefined;
      view.cpu.attach(undefined);
    }
  }

  /** Takes a request of a view; what is wrong with it is told to that view. */
  receive(number: number, request: MemoryRequest): void {
    const view = this.#view(number);
    try {
      this.#answer(number, view, request);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#options.send(number, { type: 'failed', request: request.type, message: error.message });
    }
  }

  #answer(number: number, view: View, request: MemoryRequest): void {
    switch (request.type) {
      case 'visible':
        view.visible = request.visible;
        view.sent = undefined;
        if (view.visible) this.#sendStatus(number, view);
        this.#sendBlock(number, view);
        return;
      case 'cpu':
        if (view.cpu.choose(request.cpu)) this.#cpuChanged(number, view);
        return;
      case 'show':
        view.shown = request;
        view.sent = undefined;
        this.#sendBlock(number, view);
        return;
      case 'go':
        this.#options.send(number, { type: 'went', text: request.text, ...resolve(this.#present(view), request.text) });
        return;
      case 'write':
        this.#write(view, request);
        return;
      case 'find':
        this.#find(number, view, request);
        return;
      case 'cancel-find':
        this.#endSearch(number, view, { cancelled: true });
        return;
      case 'keep':
        this.#kept = new MemoryMoment(this.#present(view).machine);
        this.#keptChanged();
        return;
      case 'forget':
        this.#kept = undefined;
        this.#keptChanged();
    }
  }

  /** The guest as the processor sees it that a view shows. */
  #present({ cpu: { guest } }: View): Guest {
    if (guest) return guest;
    throw new UserError('not-launched', localized('no guest is running'));
  }

  #view(number: number): View {
    const known = this.#views.get(number);
    if (known) return known;
    const cpu = new ChosenCpu();
    cpu.attach(this.#guest);
    cpu.lookAt(this.#lookedAt);
    const view: View = { cpu, visible: false, shown: undefined, sent: undefined, search: undefined };
    this.#views.set(number, view);
    return view;
  }

  #visible(): (readonly [number, View])[] {
    return [...this.#views].filter(([, view]) => view.visible);
  }

  #sendStatus(number: number, { cpu }: View): void {
    const kept = this.#kept?.moment;
    this.#options.send(number, { type: 'status', ...this.#status, ...cpu.shown, ...(kept ? { kept } : {}) });
  }

  /** Sends what a view shows, unless it has it already. */
  #sendBlock(number: number, view: View): void {
    const { visible, shown, cpu } = view;
    if (!visible || !shown || !cpu.guest) return;
    const running = this.#status.state === 'running';
    const block = readBlock(cpu.guest, { ...shown, pages: this.#pages, kept: this.#kept, running });
    if (view.sent && sameBlock(view.sent, block)) return;
    view.sent = block;
    const { bytes, marks, kept, ...rest } = block;
    this.#options.send(number, {
      type: 'block',
      ...rest,
      bytes: bytes.slice().buffer,
      marks: marks.slice().buffer,
      ...(kept ? { kept: kept.buffer } : {}),
    });
  }

  #keptChanged(): void {
    for (const [number, view] of this.#visible()) {
      view.sent = undefined;
      this.#sendStatus(number, view);
      this.#sendBlock(number, view);
    }
  }

  #write(view: View, { space, address, bytes: buffer }: RequestOf<'write'>): void {
    const guest = this.#present(view);
    const bytes = new Uint8Array(buffer);
    const place: Place = { space, address };
    const written = writePlace(guest, place, bytes);
    this.#pages.written(guest, place, bytes.subarray(0, written));
    this.#options.written({ memoryReference: memoryReferenceOf(guest, place), count: written });
    if (written === bytes.length) return;
    // The view shows what it was about to write until it hears otherwise.
    for (const each of this.#views.values()) each.sent = undefined;
    this.refresh();
    const at = formatReference({ space, address: address + written }, guest.addressWidth);
    throw new UserError('bad-address', localized('nothing is mapped at {0}: it cannot be written', at));
  }

  #find(number: number, view: View, { pattern, mask, ...where }: RequestOf<'find'>): void {
    const order = { ...where, pattern: new Uint8Array(pattern), mask: new Uint8Array(mask) };
    if (order.pattern.length === 0) throw new UserError('bad-argument', localized('there is nothing to look for'));
    view.search = new MemorySearch(this.#present(view), order);
    this.#searchOn(number, view, view.search, order.pattern.length);
  }

  /** Searches for a few milliseconds, then lets the guest and requests have their turn. */
  #searchOn(number: number, view: View, search: MemorySearch, length: number): void {
    const { host, send } = this.#options;
    if (view.search !== search) return;
    const end = host.now() + SEARCH_MS;
    const before = search.done;
    const result = search.advance(() => host.now() >= end);
    if (result === 'more') {
      // A hundred messages are enough for a progress bar.
      if (percent(search.done) !== percent(before)) send(number, { type: 'searching', done: search.done });
      host.defer(() => this.#searchOn(number, view, search, length));
    } else this.#endSearch(number, view, { length, ...(result === 'nothing' ? {} : { address: result }) });
  }

  #endSearch(
    number: number,
    view: View,
    how: { readonly address?: number; readonly length?: number; readonly cancelled?: boolean },
  ): void {
    const { search } = view;
    if (!search) return;
    view.search = undefined;
    const rest = { length: 0, cancelled: false, wrapped: search.wrapped, ...how };
    this.#options.send(number, { type: 'found', ...rest });
  }
}

const percent = (done: number): number => Math.floor(done * 100);

/** The place that a text names: `p:` stands before physical addresses, everything else is linear. */
function resolve(seenBy: Guest, given: string): Place {
  const { guest, text } = memoryOf(seenBy, given);
  const physical = /^\s*p:(.*)$/is.exec(text);
  const address = resolvePlaceName(guest, physical?.[1] ?? text);
  return { space: physical ? 'physical' : 'linear', address };
}
