/** All that shows the guest of a session: the screen, and the views of the second channel. */
import type { Machine } from '../../vm-core/index.ts';
import type { ScreenState } from '../protocol/screen.ts';
import type { Guest } from './guest.ts';
import type { ScreenFeed } from './screen-feed.ts';
import type { SessionView } from './session-view.ts';

export class GuestViews {
  readonly #screen: ScreenFeed;
  readonly #views: readonly SessionView[];
  readonly #failed: (error: unknown) => void;

  /** What cannot be shown must not end the session: it is told to `failed` once, and no more of it is shown. */
  constructor(screen: ScreenFeed, views: readonly SessionView[], failed: (error: unknown) => void) {
    this.#screen = screen;
    this.#views = views;
    this.#failed = failed;
  }

  attach(machine: Machine, guest: Guest): void {
    this.#screen.attach(machine);
    this.#tell((view) => view.attach(guest));
  }

  detach(): void {
    this.#screen.detach();
    this.#tell((view) => view.detach());
  }

  sliceDone(): void {
    this.#draw((screen) => screen.sliceDone());
    this.#tell((view) => view.sliceDone());
  }

  setState(state: ScreenState, detail: string): void {
    this.#draw((screen) => screen.setState(state, detail));
    this.#tell((view) => view.setState(state, detail));
  }

  /** The user looks at the processor with this index. */
  lookAt(cpu: number): void {
    this.#tell((view) => view.lookAt?.(cpu));
  }

  /** The debugger itself wrote state. */
  refresh(): void {
    this.#draw((screen) => screen.refresh());
    this.#tell((view) => view.refresh());
  }

  /** Somebody uses the guest: its picture is likely to change soon. */
  noteActivity(): void {
    this.#draw((screen) => screen.noteActivity());
  }

  #draw(work: (screen: ScreenFeed) => void): void {
    try {
      work(this.#screen);
    } catch (error) {
      this.#screen.detach();
      this.#failed(error);
    }
  }

  #tell(work: (view: SessionView) => void): void {
    for (const view of this.#views) {
      try {
        work(view);
      } catch (error) {
        view.detach();
        this.#failed(error);
      }
    }
  }
}
