/**
 * The guest-physical address space: RAM, ROM, and windows of devices (DESIGN §4). RAM and ROM lie in the machine's
 * memory, where compiled code reaches them by host address; everything else is an access to a region.
 */
import type { Region } from '../devices/device.ts';
import { AccessLog, type AccessPurpose, answersLater } from './access-log.ts';
import { DirtyLog } from './dirty-log.ts';
import { HIGH_RAM } from './guest-ram.ts';
import { DECODED_PAGES, PAGE_BITS_SIZE, PAGE_SHIFT, PAGE_SIZE, RAM_BASE, STORED_PAGES } from './layout.ts';

const MEBIBYTE = 0x100000;
const LOW_PAGES = MEBIBYTE >>> PAGE_SHIFT;

/** Option ROMs and the system ROM lie from here on. */
const SHADOW_START = 0xc0000;

const KIND_RAM = 0;
const KIND_ROM = 1;
const KIND_WINDOW = 2;
const KIND_NONE = 3;

/** A device's memory window; page-aligned. */
export interface MemoryWindow {
  /** Name of the device's instance. */
  readonly device: string;
  readonly start: number;
  readonly size: number;
  readonly region: Region;
}

export interface PhysicalMapOptions {
  /** RAM also fills the place of windows and ROM below 1 MiB. */
  readonly plain?: boolean;
  /** Bytes of RAM from 4 GiB on, in `memory` behind the others. */
  readonly highRamSize?: number;
  /** The log that the machine's ports have, too; default: one of its own. */
  readonly accesses?: AccessLog;
}

export class PhysicalMap {
  /** Bytes of RAM below 4 GiB, and where RAM above ends: 4 GiB if there is none. */
  readonly ramSize: number;
  readonly end: number;
  readonly view: DataView;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Which pages of RAM were written. */
  readonly dirty: DirtyLog;
  /** What the instruction that is being executed has asked of devices, in memory and in I/O space. */
  readonly accesses: AccessLog;
  /** ANDed to every address; clears bit 20 while the A20 gate is closed. */
  a20Mask = 0xffffffff;
  /** Called for each write to ROM: the write itself is lost, as on hardware. */
  onRomWrite: (physicalAddress: number, size: 1 | 2 | 4, value: number) => void = () => {};
  /** Called for each access that nothing answers: reads give all ones, writes are lost. */
  onUnclaimed: (physicalAddress: number, direction: 'read' | 'write') => void = () => {};
  readonly #lowKinds = new Uint8Array(LOW_PAGES).fill(KIND_RAM);
  readonly #windows: MemoryWindow[] = [];
  readonly #shadows: { readonly start: number; readonly image: Uint8Array }[] = [];
  /** Bytes of ROM that appear again below 4 GiB. */
  #romAliasSize = 0;

  constructor(memory: WebAssembly.Memory, ramSize: number, options: PhysicalMapOptions = {}) {
    const high = options.highRamSize ?? 0;
    this.ramSize = ramSize;
    this.end = HIGH_RAM + high;
    this.dirty = new DirtyLog({ low: ramSize, high }, (page) => this.#hasBit(STORED_PAGES, page));
    this.accesses = options.accesses ?? new AccessLog();
    this.view = new DataView(memory.buffer);
    this.bytes = new Uint8Array(memory.buffer);
    this.dirty.onBegin.push(() => this.bytes.fill(0, STORED_PAGES, STORED_PAGES + PAGE_BITS_SIZE));
    const firstHole = options.plain ? LOW_PAGES : 0xa0000 >>> PAGE_SHIFT;
    for (let page = firstHole; page < LOW_PAGES; page++) this.#lowKinds[page] = KIND_NONE;
  }

  addWindow(window: MemoryWindow): void {
    const { device, start, size } = window;
    const isRam = (start >= MEBIBYTE && start < this.ramSize) || (start >= HIGH_RAM && start < this.end);
    const other = this.#windows.find((there) => start < there.start + there.size && there.start < start + size);
    if (isRam || other || (start & (PAGE_SIZE - 1)) !== 0) {
      throw new Error(
        `${device}: there is no room for its memory at ${start.toString(16)}h (${other?.device ?? 'RAM'})`,
      );
    }
    this.#windows.push(window);
    if (answersLater(window.region)) this.accesses.turnOn();
    this.#setKind(window.start, window.size, KIND_WINDOW);
  }

  /** Puts a ROM below 1 MiB; it also appears below 4 GiB, where the processor starts. */
  addRom(start: number, image: Uint8Array): void {
    this.bytes.set(image, RAM_BASE + start);
    this.#setKind(start, image.length, KIND_ROM);
    this.#romAliasSize = image.length;
  }

  /** Puts an option ROM below 1 MiB where the chip set shadows it: it is RAM that begins with the image. */
  addShadowedRom(start: number, image: Uint8Array): void {
    this.#shadows.push({ start, image });
    this.bytes.set(image, RAM_BASE + start);
    this.#setKind(start, image.length, KIND_RAM);
  }

  /**
   * Puts the system ROM below 1 MiB where the chip set shadows it; it also appears below 4 GiB. The firmware finds RAM
   * in the whole of C0000h–FFFFFh and nothing to lock it with, as an ISA board has it.
   */
  addShadowedFirmware(image: Uint8Array): void {
    this.#setKind(SHADOW_START, MEBIBYTE - SHADOW_START, KIND_RAM);
    this.addShadowedRom(MEBIBYTE - image.length, image);
    this.#romAliasSize = image.length;
  }

  /** After RESET: ROMs show what they hold. */
  reloadShadows(): void {
    for (const { start, image } of this.#shadows) this.copyIn(start, image);
  }

  /** Host address of RAM or ROM at a physical address; -1 elsewhere. The rest of its page is the same. */
  hostAddress(physicalAddress: number): number {
    const kind = this.#kindOf(physicalAddress);
    if (kind > KIND_ROM) return -1;
    return kind === KIND_RAM ? this.#ramAt(physicalAddress) : RAM_BASE + this.#lowAlias(physicalAddress);
  }

  #ramAt(physicalAddress: number): number {
    return RAM_BASE + (physicalAddress < HIGH_RAM ? physicalAddress : physicalAddress - HIGH_RAM + this.ramSize);
  }

  /** An address as the A20 gate lets it through. */
  throughGate(address: number): number {
    if (this.a20Mask === 0xffffffff) return address;
    return (address & MEBIBYTE) === 0 ? address : address - MEBIBYTE;
  }

  /** Four bytes of RAM, ROM or a window, without side effects; all ones elsewhere. They do not cross a page. */
  peek32(physicalAddress: number): number {
    return this.peek(physicalAddress, 4) ?? 0xffffffff;
  }

  /** Host address of device memory that is reached without asking; -1 elsewhere. The rest of its page is the same. */
  directAddress(physicalAddress: number, willWrite: boolean): number {
    const window = this.#windowAt(physicalAddress);
    return window?.region.direct?.(physicalAddress - window.start, willWrite) ?? -1;
  }

  isRam(physicalAddress: number): boolean {
    return this.#kindOf(physicalAddress) === KIND_RAM;
  }

  /** Reads as the processor or a bus master does; all ones where nothing answers. */
  read(physicalAddress: number, size: 1 | 2 | 4, purpose: AccessPurpose = 'data'): number {
    if (crossesPage(physicalAddress, size)) return this.#readBytewise(physicalAddress, size, purpose);
    const host = this.hostAddress(physicalAddress);
    if (host >= 0) return readView(this.view, host, size);
    const window = this.#windowAt(physicalAddress);
    if (!window) {
      this.onUnclaimed(physicalAddress, 'read');
      return size === 4 ? 0xffffffff : (1 << (size * 8)) - 1;
    }
    return this.readWindow(window, physicalAddress - window.start, size, purpose);
  }

  write(physicalAddress: number, size: 1 | 2 | 4, value: number, purpose: AccessPurpose = 'data'): void {
    if (crossesPage(physicalAddress, size)) {
      for (let n = 0; n < size; n++) this.write(physicalAddress + n, 1, (value >>> (8 * n)) & 0xff, purpose);
      return;
    }
    const kind = this.#kindOf(physicalAddress);
    if (kind === KIND_RAM) this.writeRam(physicalAddress, size, value);
    else if (kind === KIND_ROM) this.onRomWrite(physicalAddress, size, value);
    else {
      const window = this.#windowAt(physicalAddress);
      if (window) this.writeWindow(window, physicalAddress - window.start, size, value, purpose);
      else this.onUnclaimed(physicalAddress, 'write');
    }
  }

  /** Writes where `isRam` is true; the access does not cross a page. */
  writeRam(physicalAddress: number, size: 1 | 2 | 4, value: number): void {
    this.dirty.note(physicalAddress);
    writeView(this.view, this.#ramAt(physicalAddress), size, value);
  }

  /** Nothing decoded lies on a page of RAM: generated code may store to it without asking. */
  markPlain(physicalAddress: number): void {
    if (physicalAddress >= HIGH_RAM) return;
    const page = physicalAddress >>> PAGE_SHIFT;
    const at = DECODED_PAGES + (page >>> 3);
    this.bytes[at] = (this.bytes[at] as number) & ~(1 << (page & 7));
  }

  /** There is something decoded, from now on. */
  markDecoded(physicalPage: number): void {
    if (physicalPage >= HIGH_RAM / PAGE_SIZE) return;
    const at = DECODED_PAGES + (physicalPage >>> 3);
    this.bytes[at] = (this.bytes[at] as number) | (1 << (physicalPage & 7));
  }

  #hasBit(bits: number, page: number): boolean {
    return (((this.bytes[bits + (page >>> 3)] as number) >>> (page & 7)) & 1) !== 0;
  }

  #setBytes(physicalAddress: number, host: number, bytes: Uint8Array): void {
    this.dirty.note(physicalAddress);
    this.bytes.set(bytes, host);
  }

  /** Writes as a bus master does, any number of bytes; returns how many of them are below the end of memory. */
  writeBytes(physicalAddress: number, bytes: Uint8Array): number {
    return this.#byPage(physicalAddress, bytes.length, (at, from, count) => {
      if (this.isRam(at)) this.#setBytes(at, this.#ramAt(at), bytes.subarray(from, from + count));
      else if (this.#kindOf(at) !== KIND_NONE || this.#windowAt(at))
        for (let n = 0; n < count; n++) this.write(at + n, 1, bytes[from + n] as number);
      return true;
    });
  }

  /** What `copyOut` gives of a few bytes in one page, as an unsigned number; undefined where it would end early. */
  peek(physicalAddress: number, size: 1 | 2 | 4): number | undefined {
    const host = this.hostAddress(physicalAddress);
    if (host >= 0) return readView(this.view, host, size);
    const bytes = this.copyOut(physicalAddress, size);
    return bytes.length === size ? readView(new DataView(bytes.buffer), 0, size) : undefined;
  }

  /** Copies RAM, ROM and what windows let a debugger see, without side effects; ends at the first byte beyond them. */
  copyOut(physicalAddress: number, length: number): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(length);
    const done = this.#byPage(physicalAddress, length, (at, from, count) => {
      const host = this.hostAddress(at);
      if (host >= 0) {
        out.set(this.bytes.subarray(host, host + count), from);
        return true;
      }
      const window = this.#windowAt(at);
      if (!window?.region.peek) return false;
      for (let n = 0; n < count; n++) out[from + n] = window.region.peek(at - window.start + n);
      return true;
    });
    return done === length ? out : out.slice(0, done);
  }

  /** Writes RAM, ROM and windows; returns how many bytes there were before the first that is none of them. */
  copyIn(physicalAddress: number, bytes: Uint8Array): number {
    return this.#byPage(physicalAddress, bytes.length, (at, from, count) => {
      const host = this.hostAddress(at);
      if (host >= 0) {
        this.#setBytes(at, host, bytes.subarray(from, from + count));
        return true;
      }
      const window = this.#windowAt(at);
      if (!window) return false;
      for (let n = 0; n < count; n++) window.region.write(at - window.start + n, 1, bytes[from + n] as number);
      return true;
    });
  }

  /** Visits a range page by page until a visit fails; returns the bytes done. */
  #byPage(start: number, length: number, visit: (at: number, from: number, count: number) => boolean): number {
    let done = 0;
    while (done < length && start + done < this.end) {
      const at = start + done;
      const count = Math.min(length - done, PAGE_SIZE - (at & (PAGE_SIZE - 1)));
      if (!visit(at, done, count)) break;
      done += count;
    }
    return done;
  }

  #readBytewise(physicalAddress: number, size: number, purpose: AccessPurpose): number {
    let value = 0;
    for (let n = 0; n < size; n++) value += this.read(physicalAddress + n, 1, purpose) * 2 ** (8 * n);
    return value;
  }

  /** Reads a window. An access that is wider than the region takes is split, low part first. */
  readWindow(window: MemoryWindow, offset: number, size: 1 | 2 | 4, purpose: AccessPurpose): number {
    const { region, device, start } = window;
    if (size * 8 > region.width) {
      const half = (size / 2) as 1 | 2;
      const low = this.readWindow(window, offset, half, purpose);
      return low + this.readWindow(window, offset + half, half, purpose) * 2 ** (half * 8);
    }
    if (!this.accesses.isOpen) return region.read(offset, size);
    const address = start + offset;
    return this.accesses.read({ region, device, kind: 'read', space: 'memory', address, offset, size, purpose });
  }

  /** The same of a write. */
  writeWindow(window: MemoryWindow, offset: number, size: 1 | 2 | 4, value: number, purpose: AccessPurpose): void {
    const { region, device, start } = window;
    if (size * 8 > region.width) {
      const half = (size / 2) as 1 | 2;
      this.writeWindow(window, offset, half, half === 1 ? value & 0xff : value & 0xffff, purpose);
      this.writeWindow(window, offset + half, half, value >>> (half * 8), purpose);
    } else if (!this.accesses.isOpen) region.write(offset, size, value);
    else {
      const address = start + offset;
      this.accesses.write({ region, device, kind: 'write', space: 'memory', address, offset, size, purpose }, value);
    }
  }

  #kindOf(physicalAddress: number): number {
    if (physicalAddress < MEBIBYTE) return this.#lowKinds[physicalAddress >>> PAGE_SHIFT] as number;
    if (physicalAddress < this.ramSize) return KIND_RAM;
    const isAlias = physicalAddress >= HIGH_RAM - this.#romAliasSize && physicalAddress < HIGH_RAM;
    if (isAlias) return KIND_ROM;
    return physicalAddress >= HIGH_RAM && physicalAddress < this.end ? KIND_RAM : KIND_NONE;
  }

  /** The address below 1 MiB of a byte of the ROM's second appearance. */
  #lowAlias(physicalAddress: number): number {
    return physicalAddress < MEBIBYTE ? physicalAddress : physicalAddress - HIGH_RAM + MEBIBYTE;
  }

  #windowAt(physicalAddress: number): MemoryWindow | undefined {
    return this.#windows.find(({ start, size }) => physicalAddress >= start && physicalAddress < start + size);
  }

  #setKind(start: number, size: number, kind: number): void {
    this.#lowKinds.fill(kind, start >>> PAGE_SHIFT, (start + size + PAGE_SIZE - 1) >>> PAGE_SHIFT);
  }
}

function crossesPage(address: number, size: number): boolean {
  return (address & (PAGE_SIZE - 1)) + size > PAGE_SIZE;
}

/** Reads `size` bytes, unsigned, little-endian. */
export function readView(view: DataView, at: number, size: 1 | 2 | 4): number {
  if (size === 1) return view.getUint8(at);
  return size === 2 ? view.getUint16(at, true) : view.getUint32(at, true);
}

function writeView(view: DataView, at: number, size: 1 | 2 | 4, value: number): void {
  if (size === 1) view.setUint8(at, value);
  else if (size === 2) view.setUint16(at, value, true);
  else view.setUint32(at, value, true);
}
