/**
 * The accesses to devices that one instruction, or one delivery of an interrupt, has made so far (DESIGN §4;
 * docs/decisions/0011). A device may answer later; the instruction is then begun again once the answer is there, and what
 * it has asked before is answered from here, so that every access reaches its device once and in order. Machines without
 * such a device keep no log.
 */
import type { Region } from '../devices/device.ts';

/** Accesses that one instruction may log; the longest known, a task switch over byte-wide devices, needs about 600. */
export const ACCESSES_MAX = 1024;

/** What an access is for. A page walk may be made or not when an instruction is begun again. */
export type AccessPurpose = 'data' | 'tables' | 'code';

/** An access that a device has not completed yet. */
export interface PendingAccess {
  /** Name of the device's instance. */
  readonly device: string;
  readonly kind: 'read' | 'write';
  readonly space: 'port' | 'memory';
  /** Port or physical address. */
  readonly address: number;
  /** In bytes. */
  readonly size: number;
}

/** An access as the bus hands it to a device, which takes its whole size. */
export interface DeviceAccess extends PendingAccess {
  readonly region: Region;
  /** In the region. */
  readonly offset: number;
  readonly size: 1 | 2 | 4;
  readonly purpose: AccessPurpose;
}

/** For messages: `a read of 4 bytes at physical address F0000000h of "nvram"`. */
export function accessText({ device, kind, space, address, size }: PendingAccess): string {
  const bytes = size === 1 ? '1 byte' : `${size} bytes`;
  const place = space === 'port' ? 'port' : 'physical address';
  return `a ${kind} of ${bytes} at ${place} ${address.toString(16).toUpperCase()}h of "${device}"`;
}

/** Unwinds the instruction that has to wait; `ready` settles, and never fails, when it can go on. */
export class DeviceWait {
  readonly access: PendingAccess;
  readonly ready: Promise<void>;

  constructor(access: PendingAccess, ready: Promise<void>) {
    this.access = access;
    this.ready = ready;
  }
}

/** Unwinds an instruction that has made more accesses than are kept. */
export class AccessLogFull {}

/** The input log, as far as answers come from outside. A write that is complete has an answer of 0 bytes. */
export interface LaterAnswers {
  /** The answer that a replayed log has for the access that is being made; undefined where it has none. */
  recorded(device: string, size: number): number | undefined;
  /** An answer that came later has entered the machine. */
  entered(device: string, size: number, value: number): void;
  /** The host could not answer: the guest finds all ones. */
  failed(access: PendingAccess, error: unknown): void;
}

interface Entry {
  readonly access: DeviceAccess;
  value: number;
  /** The instruction, as it is run now, has come to this access. */
  used: boolean;
  /** Not answered yet. */
  wait: DeviceWait | undefined;
  /** The answer came later, and the guest has not seen it. */
  isFresh: boolean;
}

export class AccessLog {
  /** Called when the machine gets a device that may answer later; without one there is no log. */
  readonly onTurnedOn: (() => void)[] = [];
  #isOn = false;
  /** True while the processor makes accesses of an instruction; firmware and bus masters cannot wait. */
  isOpen = false;
  answers: LaterAnswers = { recorded: () => undefined, entered: () => {}, failed: () => {} };
  #entries: Entry[] = [];
  /** Where the next access probably stands. */
  #next = 0;

  get isOn(): boolean {
    return this.#isOn;
  }

  turnOn(): void {
    this.#isOn = true;
    for (const listener of this.onTurnedOn) listener();
  }

  /** What the instruction waits for; undefined when it can go on. */
  get pending(): DeviceWait | undefined {
    return this.#entries.at(-1)?.wait;
  }

  /** Another instruction begins. An answer that is still to come is nobody's. */
  clear(): void {
    if (this.#entries.length > 0) this.#entries = [];
    this.#next = 0;
  }

  /** The next iteration of a repeated instruction begins, for which the code is not fetched again. */
  clearData(): void {
    this.#entries = this.#entries.filter(({ access }) => access.purpose === 'code');
    this.#next = this.#entries.length;
  }

  /** The same instruction begins again. */
  rewind(): void {
    for (const entry of this.#entries) entry.used = false;
    this.#next = 0;
  }

  /** Reads from a device, or gives what it has answered. Throws a DeviceWait or an AccessLogFull. */
  read(access: DeviceAccess): number {
    const known = this.#find(access);
    if (known) return this.#answerOf(known);
    const { region, offset, size } = access;
    const entry = this.#add(access);
    const ask = (): number | Promise<number> => region.readLater?.(offset, size) ?? region.read(offset, size);
    const answer = this.#outside(ask);
    entry.value = typeof answer === 'number' ? (answer & onesOf(size)) >>> 0 : this.#answerLater(entry, answer);
    return entry.value;
  }

  /** Writes to a device, unless that is done. Throws as `read` does. */
  write(access: DeviceAccess, value: number): void {
    const known = this.#find(access);
    if (known) {
      this.#answerOf(known);
      return;
    }
    const { region, offset, size } = access;
    const entry = this.#add(access);
    const done = this.#outside(() =>
      region.writeLater ? region.writeLater(offset, size, value) : region.write(offset, size, value),
    );
    if (done) this.#answerLater(entry, done);
  }

  /** What a device does in turn, as a bus master, is not of the instruction. */
  #outside<Answer>(ask: () => Answer): Answer {
    this.isOpen = false;
    try {
      return ask();
    } finally {
      this.isOpen = true;
    }
  }

  /** The first such access that was made before and that the instruction has not come to again. */
  #find({ kind, space, address, size, purpose }: DeviceAccess): Entry | undefined {
    const entries = this.#entries;
    for (let n = 0; n < entries.length; n++) {
      const at = (this.#next + n) % entries.length;
      const entry = entries[at] as Entry;
      const { access } = entry;
      if (entry.used || access.address !== address || access.kind !== kind || access.size !== size) continue;
      if (access.space !== space || access.purpose !== purpose) continue;
      entry.used = true;
      this.#next = at + 1;
      return entry;
    }
    return undefined;
  }

  #add(access: DeviceAccess): Entry {
    if (this.#entries.length >= ACCESSES_MAX) throw new AccessLogFull();
    const entry: Entry = { access, value: 0, used: true, wait: undefined, isFresh: false };
    this.#entries.push(entry);
    this.#next = this.#entries.length;
    return entry;
  }

  #answerOf(entry: Entry): number {
    if (entry.wait) throw entry.wait;
    if (entry.isFresh) {
      entry.isFresh = false;
      this.answers.entered(entry.access.device, answerSize(entry.access), entry.value);
    }
    return entry.value;
  }

  /** The recorded answer where a log is replayed; otherwise throws. */
  #answerLater(entry: Entry, answer: Promise<number | undefined> | Promise<void>): number {
    const { device, kind, space, address, size } = entry.access;
    const recorded = this.answers.recorded(device, answerSize(entry.access));
    if (recorded !== undefined) {
      // What the host says now is not what the guest saw.
      answer.catch(() => {});
      return recorded;
    }
    const access: PendingAccess = { device, kind, space, address, size };
    const ones = onesOf(size);
    const settle = (value: number): void => {
      entry.value = value;
      entry.isFresh = true;
      entry.wait = undefined;
    };
    const ready = answer.then(
      (value) => settle(((value ?? 0) & ones) >>> 0),
      (error: unknown) => {
        settle(ones);
        this.answers.failed(access, error);
      },
    );
    entry.wait = new DeviceWait(access, ready);
    throw entry.wait;
  }
}

function onesOf(size: number): number {
  return 2 ** (size * 8) - 1;
}

function answerSize({ kind, size }: DeviceAccess): number {
  return kind === 'write' ? 0 : size;
}

/** Whether a device may let an instruction wait. */
export function answersLater({ readLater, writeLater }: Region): boolean {
  return readLater !== undefined || writeLater !== undefined;
}
