/**
 * Feeds the device tree: every device of the machine's map with its registers, as their own declarations have them, and
 * the registers' values at each stop and, at a modest rate, while the guest runs.
 */
import type { Device, DeviceState, Machine } from '../../vm-core/index.ts';
import type { Host } from '../host.ts';
import type { DeviceRow, DevicesUpdate } from '../protocol/devices.ts';
import type { ScreenState } from '../protocol/screen.ts';
import type { Guest } from './guest.ts';
import type { SessionView } from './session-view.ts';

/** Milliseconds between two looks while the guest runs. */
const INTERVAL_MS = 500;

type Values = readonly (readonly number[])[];

export class DeviceView implements SessionView {
  readonly #host: Pick<Host, 'now'>;
  readonly #send: (update: DevicesUpdate) => void;
  #machine: Machine | undefined;
  #visible = false;
  #running = false;
  /** At the stop before the last, and at the last; undefined when nobody looked then. */
  #before: Values | undefined;
  #now: Values | undefined;
  /** What the tree shows, as text to compare with. */
  #sent = '';
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(host: Pick<Host, 'now'>, send: (update: DevicesUpdate) => void) {
    this.#host = host;
    this.#send = send;
  }

  attach(guest: Guest): void {
    this.#machine = guest.machine;
    this.#forget();
    this.#sendDevices();
  }

  /** A tree that appears gets everything at once. */
  setVisible(visible: boolean): void {
    this.#visible = visible;
    this.#forget();
    this.#sendDevices();
    this.refresh();
  }

  setState(state: ScreenState, _detail: string): void {
    this.#running = state === 'running';
    if (!this.#visible || !this.#machine) return;
    if (state === 'stopped') {
      this.#before = this.#now;
      this.#now = readValues(this.#machine);
    }
    this.refresh();
  }

  sliceDone(): void {
    if (!this.#visible) return;
    const now = this.#host.now();
    if (now - this.#lookedAtMs < INTERVAL_MS) return;
    this.#lookedAtMs = now;
    this.refresh();
  }

  /** Sends the values if the tree does not have them yet. */
  refresh(): void {
    if (!this.#visible || !this.#machine) return;
    const values = readValues(this.#machine);
    this.#now ??= values;
    const earlier = this.#running ? this.#now : this.#before;
    const shown = values.map((registers, device) =>
      registers.map((value, index) => {
        const was = earlier?.[device]?.[index];
        return { value, changed: was !== undefined && was !== value };
      }),
    );
    const text = JSON.stringify(shown);
    if (text === this.#sent) return;
    this.#sent = text;
    this.#send({ type: 'values', values: shown });
  }

  detach(): void {
    this.#machine = undefined;
    this.#forget();
  }

  #forget(): void {
    this.#before = undefined;
    this.#now = undefined;
    this.#sent = '';
  }

  #sendDevices(): void {
    if (!this.#visible || !this.#machine) return;
    this.#send({ type: 'devices', devices: [...this.#machine.devices].map(([name, device]) => rowOf(name, device)) });
  }
}

function rowOf(name: string, { description }: Device): DeviceRow {
  const { title, specification, registers } = description;
  return {
    name,
    title,
    specification,
    registers: registers.map(({ name: register, description: text, width, reset, writable, region, offset }) => ({
      name: register,
      description: text,
      width,
      reset,
      writable,
      ...(region === undefined ? {} : { place: `${region}+${offset ?? 0}` }),
    })),
  };
}

function readValues({ devices }: Machine): Values {
  return [...devices.values()].map(({ description, state }: Device<DeviceState>) =>
    description.registers.map((register) => register.value(state) >>> 0),
  );
}
