/** What a processor is called in the list of threads: its number, its mode and privilege level, and whether it works. */
import { localized } from '../protocol/localized.ts';
import type { Guest } from './guest.ts';

/** `CPU 1 · 64-bit, ring 3`; while the machine runs `CPU 1 · running`; `CPU 2 · waiting for SIPI`. */
export function threadName(guest: Guest, isRunning: boolean): string {
  const name = `CPU ${guest.vcpu.index}`;
  if (waitsForStartup(guest)) return `${name} · ${localized('waiting for SIPI')}`;
  const halted = guest.register('HALTED') !== 0;
  if (isRunning) return `${name} · ${halted ? localized('halted') : localized('running')}`;
  return `${name} · ${modeText(guest)}${halted ? `, ${localized('halted')}` : ''}`;
}

/** Whether a processor waits for the message with which another one starts it (SDM vol. 3A §9.4). */
export function waitsForStartup(guest: Guest): boolean {
  return guest.register('WAITS_FOR_STARTUP') !== 0;
}

/** `real mode`, `32-bit, ring 0`: what decides how code is read and what it may do. */
export function modeText(guest: Guest): string {
  const { mode, codeSize } = guest.vcpu;
  const ring = localized('ring {0}', guest.register('CPL'));
  switch (mode) {
    case 'real':
      return codeSize === 16 ? localized('real mode') : localized('real mode, {0}-bit', codeSize);
    case 'virtual-8086':
      return localized('virtual-8086');
    case 'compatibility':
      return `${localized('compatibility, {0}-bit', codeSize)}, ${ring}`;
    case '64-bit':
    case 'protected':
      return `${localized('{0}-bit', codeSize)}, ${ring}`;
  }
}
