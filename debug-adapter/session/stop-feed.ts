/** What feeds of views share that show one CPU of a guest at every stop, and of a running guest what they showed last. */
import type { ScreenState } from '../protocol/screen.ts';
import { ChosenCpu } from './chosen-cpu.ts';
import type { Guest } from './guest.ts';
import type { SessionView } from './session-view.ts';
import { UserError } from './user-error.ts';

/** What every such view asks: while it is not visible, nothing is read. */
type Visible = { readonly type: 'visible'; readonly visible: boolean };
type Failed = { readonly type: 'failed'; readonly message: string };

export abstract class StopFeed<Request extends { readonly type: string }, Update> implements SessionView {
  protected readonly send: (update: Update | Failed) => void;
  protected state: ScreenState = 'none';
  readonly #cpu = new ChosenCpu();
  #visible = false;

  constructor(send: (update: Update | Failed) => void) {
    this.send = send;
  }

  /** Answers what only this view asks; a UserError is told to the view. */
  protected abstract answer(request: Exclude<Request, Visible>): void;

  /** Sends everything that the view shows. */
  protected abstract sendStatus(): void;

  /** The guest as the CPU sees it that the user looks at. */
  protected get guest(): Guest | undefined {
    return this.#cpu.guest;
  }

  attach(guest: Guest): void {
    this.#cpu.attach(guest);
  }

  lookAt(cpu: number): void {
    if (this.#cpu.lookAt(cpu)) this.refresh();
  }

  setState(state: ScreenState): void {
    this.state = state;
    this.refresh();
  }

  sliceDone(): void {
    // A running guest is shown as it was when it stopped, or when the view asked last.
  }

  refresh(): void {
    if (this.#visible) this.sendStatus();
  }

  detach(): void {
    this.#cpu.attach(undefined);
  }

  /** Takes a request of the view. */
  receive(request: Request | Visible): void {
    try {
      if (isVisible(request)) {
        this.#visible = request.visible;
        this.refresh();
      } else this.answer(request as Exclude<Request, Visible>);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.send({ type: 'failed', message: error.message });
    }
  }
}

function isVisible(request: { readonly type: string }): request is Visible {
  return request.type === 'visible';
}
