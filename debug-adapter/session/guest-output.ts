/** What the guest says (serial port, debug console, messages about things not modelled) as text for the Debug Console. */
import type { Machine } from '../../vm-core/index.ts';
import type { LaunchConfiguration } from './launch-configuration.ts';

type Category = 'console' | 'stdout';

/** Text is sent when this much has come together, and between two slices of the run loop. */
const TEXT_MAX = 1024;

export class GuestOutput {
  readonly #channels: ReadonlySet<string>;
  readonly #write: (category: Category, text: string) => void;
  #text = '';

  constructor(configuration: LaunchConfiguration, write: (category: Category, text: string) => void) {
    const { serial, debugcon } = configuration;
    this.#channels = new Set([
      ...(serial === 'console' ? ['uart-1/serial'] : []),
      ...(debugcon === 'console' ? ['debug-console/debugcon'] : []),
    ]);
    this.#write = write;
  }

  attach(machine: Machine): void {
    machine.onOutput = (device, channel, bytes) => this.#receive(`${device}/${channel}`, bytes);
    machine.onLog = (message) => this.#write('console', `${message}\n`);
  }

  /** Sends what has come. */
  flush(): void {
    if (this.#text === '') return;
    const text = this.#text;
    this.#text = '';
    this.#write('stdout', text);
  }

  /** Bytes are taken as Latin-1; a carriage return is no character of its own. */
  #receive(key: string, bytes: Uint8Array): void {
    if (!this.#channels.has(key)) return;
    for (const byte of bytes) if (byte !== 0x0d) this.#text += String.fromCharCode(byte);
    if (this.#text.length >= TEXT_MAX) this.flush();
  }
}
