/**
 * The screen view: the guest's picture, its status, and a toolbar. It renders into the page itself, so that the page's style
 * sheets (and VS Code's theme variables) apply.
 */
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { localized } from '../../debug-adapter/protocol/localized.ts';
import type { ScreenRequest, ScreenUpdate } from '../../debug-adapter/protocol/screen.ts';
import type { ScreenCommand, ScreenPreferences } from '../../debug-adapter/protocol/screen-commands.ts';
import { KeyboardCapture, releaseKeys } from './keyboard-capture.ts';
import { MouseCapture } from './mouse-capture.ts';
import { Picture } from './picture.ts';
import { present } from './scaling.ts';
import { scanCodesOf } from './scan-codes.ts';
import { Speaker } from './speaker.ts';
import {
  DEFAULT_SHAPE,
  initialModel,
  machinePresent,
  mouseUsed,
  type ScreenModel,
  screenText,
  statusText,
  withUpdate,
} from './screen-model.ts';
import { speedText } from './speed-text.ts';

const CONTROL_ALT_DELETE = ['ControlLeft', 'AltLeft', 'Delete'];

/** One button of the toolbar. */
interface Tool {
  readonly label: string;
  readonly icon: string;
  readonly title: string;
  readonly enabled: boolean;
  /** A switch, and whether it is on. */
  readonly pressed?: boolean;
  readonly run: () => void;
}

export class ScreenView extends LitElement {
  /** Sends a message to the extension. */
  send: (message: ScreenRequest | ScreenCommand) => void = () => undefined;
  private model: ScreenModel = initialModel;
  /** What the last tool did, for the status line; empty after the next message of state. */
  private notice = '';
  private picture: Picture | undefined;
  private readonly keyboard = new KeyboardCapture();
  private mouse: MouseCapture | undefined;
  private readonly speaker: Speaker;

  constructor() {
    super();
    this.speaker = new Speaker(this.dataset['speaker'] ?? '');
    this.speaker.onChange = (on) => {
      this.send({ type: 'listen', on });
      this.requestUpdate();
    };
    this.keyboard.onScanCodes = (scanCodes) => this.send({ type: 'keys', scanCodes });
    this.keyboard.onChange = () => {
      if (!this.keyboard.captured) this.mouse?.release();
      this.requestUpdate();
    };
  }

  /** A message of the session. */
  receive(update: ScreenUpdate): void {
    if (update.type === 'sound') {
      this.speaker.receive(update);
      return;
    }
    const before = this.model;
    this.model = withUpdate(before, update);
    if (this.model.frame !== undefined && this.model.frame !== before.frame) this.picture?.show(this.model.frame);
    if (update.type === 'status') this.notice = '';
    // A session that is gone says nothing of its speaker any more.
    if (this.model.state !== 'running') this.speaker.hold();
    if (!machinePresent(this.model)) this.keyboard.release();
    // Where the machine stops, the user has other things to point at.
    if (!mouseUsed(this.model)) this.mouse?.release();
    this.requestUpdate();
  }

  /** Takes up what the user chose in an earlier view. */
  prefer({ sound }: ScreenPreferences): void {
    void this.turnSpeaker(sound);
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  protected override firstUpdated(): void {
    this.picture = new Picture(this.canvas);
    if (this.model.frame !== undefined) this.picture.show(this.model.frame);
    this.mouse = this.mouseOn(this.canvas);
    new ResizeObserver(() => this.fit()).observe(this.stage);
    window.addEventListener('focus', this.focusPicture);
  }

  protected override updated(): void {
    this.fit();
  }

  protected override render(): TemplateResult {
    const { captured } = this.keyboard;
    return html`
      <div class="toolbar" role="toolbar" aria-label=${localized('Guest screen')}>
        ${this.tools().map((tool) => this.button(tool))}
      </div>
      <main class="stage">
        <canvas
          class="picture ${captured ? 'captured' : ''}"
          tabindex="0"
          role="application"
          aria-label=${localized('Guest screen')}
          aria-describedby="screen-hint"
          width=${DEFAULT_SHAPE.width}
          height=${DEFAULT_SHAPE.height}
          @click=${this.takeKeyboard}
          @keydown=${this.keyOnPicture}
          @blur=${this.giveKeyboardBack}
        ></canvas>
        ${this.model.frame === undefined ? html`<p class="empty">${this.emptyText()}</p>` : nothing}
      </main>
      <div class="status">
        <span role="status" class="state ${this.model.state}">
          <span class="codicon ${this.stateIcon()}" aria-hidden="true"></span>
          ${statusText(this.model)}${this.notice === '' ? nothing : html` <span class="notice">${this.notice}</span>`}
        </span>
        ${this.speed()}
        <span id="screen-hint" class="hint">${this.hint()}</span>
      </div>
      ${this.textMirror()}
    `;
  }

  /** Screen readers come upon it, but are not told of every change. */
  private speed(): TemplateResult | typeof nothing {
    if (this.model.speed === undefined) return nothing;
    const { short, long } = speedText(this.model.speed, document.documentElement.lang);
    return html`<span class="speed" role="img" aria-label=${long} title=${long}>${short}</span>`;
  }

  /** The guest's text for screen readers; they read it when the user goes there, not at every change. */
  private textMirror(): TemplateResult | typeof nothing {
    const rows = this.model.frame?.text;
    if (rows === undefined) return nothing;
    return html`<div class="text-mirror" role="document" aria-live="off" aria-label=${localized('Text on the guest screen')}>
      ${rows.map((row) => html`<div>${row === '' ? '\u00a0' : row}</div>`)}
    </div>`;
  }

  private button({ label, icon, title, enabled, pressed, run }: Tool): TemplateResult {
    // A press with the mouse leaves the focus, and so the keyboard, with the picture.
    return html`<button
      type="button"
      title=${title}
      aria-pressed=${pressed === undefined ? nothing : String(pressed)}
      ?disabled=${!enabled}
      @mousedown=${(event: MouseEvent) => event.preventDefault()}
      @click=${run}
    >
      <span class="codicon ${icon}" aria-hidden="true"></span>${label}
    </button>`;
  }

  private tools(): readonly Tool[] {
    const present = machinePresent(this.model);
    const hasPicture = this.model.frame !== undefined;
    return [
      this.captureTool(present),
      {
        label: localized('Ctrl+Alt+Del'),
        icon: 'codicon-record-keys',
        title: localized('Send Ctrl+Alt+Del to the guest'),
        enabled: present,
        run: () => this.sendControlAltDelete(),
      },
      {
        label: localized('Copy Text'),
        icon: 'codicon-copy',
        title: localized('Copy the text on the screen (text modes only)'),
        enabled: screenText(this.model) !== undefined,
        run: () => void this.copyText(),
      },
      {
        label: localized('Screenshot'),
        icon: 'codicon-device-camera',
        title: localized('Save the picture as a PNG file'),
        enabled: hasPicture,
        run: () => void this.takeScreenshot(),
      },
      this.soundTool(),
      {
        label: localized('Reset'),
        icon: 'codicon-debug-restart',
        title: localized("Press the machine's reset button"),
        enabled: present,
        run: () => this.send({ type: 'reset' }),
      },
    ];
  }

  private mouseOn(canvas: HTMLCanvasElement): MouseCapture {
    const mouse = new MouseCapture(canvas, () => canvas.width / Math.max(1, canvas.clientWidth));
    mouse.onMouse = (request) => this.send(request);
    mouse.onChange = () => this.requestUpdate();
    mouse.onTakenBack = () => {
      if (document.hasFocus()) this.keyboard.escape();
    };
    return mouse;
  }

  private captureTool(present: boolean): Tool {
    if (this.keyboard.captured) {
      return {
        label: localized('Release Keyboard'),
        icon: 'codicon-unlock',
        title: localized('Give the keyboard back to VS Code ({0})', releaseKeys()),
        enabled: true,
        run: () => this.keyboard.release(),
      };
    }
    return {
      label: localized('Capture Keyboard'),
      icon: 'codicon-keyboard',
      title: localized('Send every key to the guest'),
      enabled: present,
      run: () => this.takeKeyboard(),
    };
  }

  private soundTool(): Tool {
    const { on } = this.speaker;
    return {
      label: localized('Sound'),
      icon: on ? 'codicon-unmute' : 'codicon-mute',
      title: on ? localized('Mute the PC speaker') : localized('Let the PC speaker be heard'),
      enabled: true,
      pressed: on,
      run: () => {
        this.send({ type: 'sound-switch', on: !on });
        void this.turnSpeaker(!on);
      },
    };
  }

  private async turnSpeaker(on: boolean): Promise<void> {
    try {
      await this.speaker.turn(on);
    } catch {
      this.say(localized('The browser has no sound here.'));
    }
  }

  private readonly takeKeyboard = (): void => {
    this.canvas.focus();
    if (machinePresent(this.model)) this.keyboard.capture();
    if (mouseUsed(this.model)) this.mouse?.capture();
  };

  /** Who comes to the view by keyboard stands on the picture, so that Enter takes the keyboard as the hint says. */
  private readonly focusPicture = (): void => {
    if (document.activeElement === document.body) this.canvas.focus();
  };

  private readonly giveKeyboardBack = (): void => this.keyboard.release();

  private readonly keyOnPicture = (event: KeyboardEvent): void => {
    if (event.code !== 'Enter' && event.code !== 'NumpadEnter') return;
    event.preventDefault();
    this.takeKeyboard();
  };

  private sendControlAltDelete(): void {
    const codes = CONTROL_ALT_DELETE.flatMap((code) => scanCodesOf(code, new Set()) ?? []);
    const releases = codes.toReversed().flatMap((key) => key.break);
    this.send({ type: 'keys', scanCodes: [...codes.flatMap((key) => key.make), ...releases] });
  }

  private async copyText(): Promise<void> {
    const text = screenText(this.model);
    if (text === undefined) return;
    try {
      await navigator.clipboard.writeText(text);
      this.say(localized('Text copied.'));
    } catch {
      this.say(localized('The text could not be copied: the clipboard is not available.'));
    }
  }

  private async takeScreenshot(): Promise<void> {
    if (this.picture === undefined) return;
    this.send({ type: 'screenshot', png: await this.picture.png() });
  }

  private say(notice: string): void {
    this.notice = notice;
    this.requestUpdate();
  }

  private hint(): string {
    if (this.mouse?.captured) {
      return localized('Keys and the mouse go to the guest. Press {0} to release them.', releaseKeys());
    }
    if (this.keyboard.captured) {
      const release = localized('Keys go to the guest. Press {0} to release the keyboard.', releaseKeys());
      return mouseUsed(this.model) ? `${release} ${localized('Click the screen to give it the mouse, too.')}` : release;
    }
    return machinePresent(this.model)
      ? localized('Click the screen, or press Enter on it, to type into the guest.')
      : '';
  }

  private emptyText(): string {
    return this.model.state === 'none'
      ? localized('Start debugging (F5) to see the screen of the guest here.')
      : localized('The guest has not shown a picture yet.');
  }

  private stateIcon(): string {
    const icons = {
      none: 'codicon-circle-outline',
      running: 'codicon-debug-start',
      stopped: 'codicon-debug-pause',
      ended: 'codicon-debug-stop',
    } as const;
    return icons[this.model.state];
  }

  /** Gives the canvas its size on the page. */
  private fit(): void {
    const { clientWidth: width, clientHeight: height } = this.stage;
    const shown = present(this.model.frame ?? DEFAULT_SHAPE, { width, height }, window.devicePixelRatio);
    this.canvas.style.width = `${shown.width}px`;
    this.canvas.style.height = `${shown.height}px`;
    this.canvas.style.imageRendering = shown.pixelated ? 'pixelated' : 'auto';
  }

  private get canvas(): HTMLCanvasElement {
    return this.querySelector('canvas') as HTMLCanvasElement;
  }

  private get stage(): HTMLElement {
    return this.querySelector('.stage') as HTMLElement;
  }
}
