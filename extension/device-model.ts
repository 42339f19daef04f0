/** What the device tree knows of the machine's devices, and the words in which it shows them. */
import { localized } from '../debug-adapter/protocol/localized.ts';
import type {
  DeviceRegisterRow,
  DeviceRegisterValue,
  DeviceRow,
  DevicesUpdate,
} from '../debug-adapter/protocol/devices.ts';

export interface DeviceModel {
  readonly devices: readonly DeviceRow[];
  /** By device and register; empty until the first values have come. */
  readonly values: readonly (readonly DeviceRegisterValue[])[];
}

export const NO_DEVICES: DeviceModel = { devices: [], values: [] };

/** The model after a message. */
export function withUpdate(model: DeviceModel, update: DevicesUpdate): DeviceModel {
  if (update.type === 'values') return { ...model, values: update.values };
  return { devices: update.devices, values: [] };
}

/** Whether a register of a device has changed. */
export function deviceChanged({ values }: DeviceModel, device: number): boolean {
  return values[device]?.some(({ changed }) => changed) ?? false;
}

/** A value in hexadecimal, with the digits that its width needs; a single bit is just 0 or 1. */
export function formatRegister(value: number, width: number): string {
  if (width === 1) return String(value);
  return `0x${value.toString(16).padStart(Math.ceil(width / 4), '0')}`;
}

/** What is to be known of a register, in Markdown. */
export function describeRegister({ name, description, width, reset, writable, place }: DeviceRegisterRow): string {
  const facts = [
    width === 1 ? localized('1 bit') : localized('{0} bits', width),
    ...(place === undefined ? [] : [localized('at {0}', `\`${place}\``)]),
    localized('{0} after reset', formatRegister(reset, width)),
    writable === 0 ? localized('read-only') : localized('writable bits {0}', formatRegister(writable, width)),
  ];
  return `**${name}**: ${escapeMarkdown(description)}\n\n${facts.join(', ')}`;
}

/** Descriptions are text of the data sheets: `*`, `_` and `<` in them mean themselves. */
function escapeMarkdown(text: string): string {
  return text.replace(/[\\`*_{}[\]()#+.!|<>~-]/g, '\\$&');
}
