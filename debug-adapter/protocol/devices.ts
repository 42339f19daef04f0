/** Messages between the session and the device tree (the second channel of DESIGN §1). */

/** A register as its device declares it. */
export interface DeviceRegisterRow {
  readonly name: string;
  readonly description: string;
  /** Width in bits. */
  readonly width: number;
  readonly reset: number;
  /** Bits that a guest can change. */
  readonly writable: number;
  /** Where it is reached, `region+offset`; absent for registers that are reached by a sequence or not at all. */
  readonly place?: string;
}

/** A device of the machine's map. */
export interface DeviceRow {
  /** The instance's name in the map. */
  readonly name: string;
  readonly title: string;
  readonly specification: string;
  readonly registers: readonly DeviceRegisterRow[];
}

/** A register's value. */
export interface DeviceRegisterValue {
  readonly value: number;
  /** Other than at the stop before; while the guest runs, other than at the last stop. */
  readonly changed: boolean;
}

/** From the session. */
export type DevicesUpdate =
  /** The devices of the machine that is there from now on. */
  | { readonly type: 'devices'; readonly devices: readonly DeviceRow[] }
  /** The values of all registers, in the order of the last `devices`. */
  | { readonly type: 'values'; readonly values: readonly (readonly DeviceRegisterValue[])[] };

/** From the tree. `visible` false: send nothing until it is true again. */
export interface DevicesRequest {
  readonly type: 'visible';
  readonly visible: boolean;
}
