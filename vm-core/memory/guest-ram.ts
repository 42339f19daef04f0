/** Where the guest's RAM lies: from 0 on, and what is not below 4 GiB from there on (as PCs have it for their PCI hole). */

/** Bytes from 0 on, and bytes from 4 GiB on. */
export interface GuestRam {
  readonly low: number;
  readonly high: number;
}

/** Where RAM that is not below 4 GiB begins. */
export const HIGH_RAM = 0x1_0000_0000;

/** The RAM of a configuration: all of it low unless the configuration says where that ends. */
export function guestRam(config: { readonly memorySize: number; readonly memoryLowSize?: number }): GuestRam {
  const low = Math.min(config.memoryLowSize ?? config.memorySize, config.memorySize);
  return { low, high: config.memorySize - low };
}
