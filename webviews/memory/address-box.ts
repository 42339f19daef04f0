/**
 * The box of a memory view into which an address is typed. The view may go elsewhere meanwhile, to its first page or at a
 * stop: then what is being typed stays, and so does the focus, or the rest of it would be written into the grid.
 */
import { html, type TemplateResult } from 'lit';
import { localized } from '../../debug-adapter/protocol/localized.ts';

/** What the box needs of its view. */
export interface AddressBoxView {
  /** Asks where a text leads; returns what was asked. */
  readonly go: (text: string) => string;
  readonly update: () => Promise<unknown>;
  /** The element that `render` has made. */
  readonly input: () => HTMLInputElement;
}

export class AddressBox {
  private readonly view: AddressBoxView;
  /** What was typed, until it has led somewhere; `asked` once Enter was pressed. */
  private typed: { readonly text: string; readonly asked?: string } | undefined;

  constructor(view: AddressBoxView) {
    this.view = view;
  }

  /** The box, with a text unless another is being typed. */
  render(text: string): TemplateResult {
    return html`<input
      class="address-box"
      type="text"
      aria-label=${localized('Address')}
      placeholder=${localized('Address')}
      title=${localized('An address: 7C00, B800:0000, SS:SP, a label or an expression; p:0xB8000 for a physical one (Ctrl+G)')}
      spellcheck="false"
      autocomplete="off"
      .value=${this.typed?.text ?? text}
      @input=${() => {
        this.typed = { text: this.view.input().value };
        void this.view.update();
      }}
      @keydown=${(event: KeyboardEvent) => {
        if (event.key !== 'Enter') return;
        event.preventDefault();
        const { value } = this.view.input();
        this.typed = { text: value, asked: this.view.go(value) };
      }}
    />`;
  }

  /** Begins to type another address. */
  select(): void {
    this.view.input().select();
  }

  /** Gives up what was typed: the view goes elsewhere because the user wants it. */
  forget(): void {
    this.typed = undefined;
  }

  /** The view went where a text leads. Returns whether that is what was typed here, by someone who is still here. */
  went(text: string): boolean {
    const input = this.view.input();
    const here = document.activeElement === input;
    const answered = here && this.typed?.asked === text;
    const allSelected = here && input.selectionStart === 0 && input.selectionEnd === input.value.length;
    if (answered || !here) this.typed = undefined;
    // What is typed next replaces the new text as it would have replaced the old one.
    else if (allSelected && this.typed === undefined) void this.view.update().then(() => input.select());
    return answered;
  }
}
