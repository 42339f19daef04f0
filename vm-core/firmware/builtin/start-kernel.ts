/** Direct boot in the place of INT 19h: brings a kernel's pieces to memory and starts it as its protocol says. */
import { DISPI_ENABLED, DISPI_LFB_ENABLED } from '../../devices/vga/dispi.ts';
import { CR0_CD, CR0_NW, CR0_PE, CR0_PG, CR4_PAE, EFER_LMA, EFER_LME } from '../../state/control-bits.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { CS, DS, ES, FS, GS, SS, slot } from '../../state/layout.ts';
import type { FirmwareContext } from '../firmware.ts';
import type { KernelPlan, KernelStart, KernelVideo, StartRegisters } from '../kernel/kernel-boot.ts';
import { ebda } from './bios-data.ts';
import { writeDispi } from './video/dispi-ports.ts';

const SELECTOR_CODE = 0x10;
const SELECTOR_DATA = 0x18;
const DATA_SEGMENTS = [DS, ES, SS, FS, GS];

/** A flat segment of 64-bit code: L instead of D. */
const LONG_CODE = 0xa9b;
/** Attributes of flat segments: present, accessed, readable code or writable data, 32-bit, limit in pages. */
const FLAT_CODE = 0xc9b;
const FLAT_DATA = 0xc93;

/** Bytes. */
const CLEARED_AT_ONCE = 1 << 20;

/** Registers in the order of the manual's numbers; a kernel finds 0 where it is not told something. */
const GENERAL: readonly (keyof StartRegisters)[] = ['EAX', 'ECX', 'EDX', 'EBX', 'ESP', 'EBP', 'ESI', 'EDI'];

/** Loads and starts; the processor then stands at the kernel's first instruction. */
export function startKernel(context: FirmwareContext, { pieces, start, video }: KernelPlan): void {
  for (const { address, bytes, size } of pieces) {
    context.load(address, bytes);
    clear(context, address + bytes.length, address + size);
  }
  if (video) setLinearMode(context, video);
  if (start.mode === 'real') startReal(context, start);
  else startProtected(context, start);
}

/** Piece by piece: a kernel may have much to be cleared. */
function clear(context: FirmwareContext, start: number, end: number): void {
  const zeros = new Uint8Array(Math.min(end - start, CLEARED_AT_ONCE));
  for (let at = start; at < end; at += zeros.length) context.load(at, zeros.subarray(0, end - at));
}

function startReal({ state }: FirmwareContext, { cs, ip, data, sp }: KernelStart & { mode: 'real' }): void {
  for (const register of GENERAL) state.write32(slot[register], 0);
  for (const segment of DATA_SEGMENTS)
    state.setSegment(segment, { ...state.segment(segment), selector: data, base: data * 16 });
  state.setSegment(CS, { ...state.segment(CS), selector: cs, base: cs * 16 });
  state.write32(slot.ESP, sp);
  state.eflags = 0;
  state.eip = ip;
}

function startProtected(context: FirmwareContext, start: KernelStart & { mode: 'protected' | 'long' }): void {
  const { state } = context;
  const code = start.mode === 'long' ? LONG_CODE : FLAT_CODE;
  writeDescriptors(context, code);
  // The caches are on when firmware hands over.
  state.write32(slot.CR0, (state.read32(slot.CR0) & ~(CR0_CD | CR0_NW)) | CR0_PE);
  if (start.mode === 'long') startPaging(state, start.pageTable);
  for (const register of GENERAL) state.write32(slot[register], start.registers[register] ?? 0);
  const flat = { base: 0, limit: 0xffffffff };
  for (const segment of DATA_SEGMENTS)
    state.setSegment(segment, { ...flat, selector: SELECTOR_DATA, attributes: FLAT_DATA });
  state.setSegment(CS, { ...flat, selector: SELECTOR_CODE, attributes: code });
  state.write8(slot.CPL, 0);
  state.eflags = 0;
  state.eip = start.eip;
}

/** Long mode with 4-level paging, as after MOV to CR3, CR4, EFER and CR0 (SDM vol. 3A §10.8.5). */
function startPaging(state: CpuState, pageTable: number): void {
  state.write32(slot.CR3, pageTable);
  state.write32(slot.CR4, state.read32(slot.CR4) | CR4_PAE);
  state.write32(slot.EFER, EFER_LME | EFER_LMA);
  state.write32(slot.CR0, (state.read32(slot.CR0) | CR0_PG) >>> 0);
  for (const offset of [slot.CR3, slot.CR4, slot.EFER, slot.CR0]) state.onDerivedChange(offset);
}

/** Two empty descriptors, code and flat data. */
function writeDescriptors({ memory, state }: FirmwareContext, code: number): void {
  const table = [0, 0, code, FLAT_DATA];
  table.forEach((attributes, index) => {
    const at = ebda.KERNEL_GDT + index * 8;
    memory.write(at, 4, attributes === 0 ? 0 : 0x0000ffff);
    memory.write(
      at + 4,
      4,
      attributes === 0 ? 0 : ((attributes >>> 8) << 20) | 0x000f0000 | ((attributes & 0xff) << 8),
    );
  });
  state.write32(slot.GDTR_BASE, ebda.KERNEL_GDT);
  state.write16(slot.GDTR_LIMIT, table.length * 8 - 1);
}

function setLinearMode(context: FirmwareContext, { width, height, bitsPerPixel }: KernelVideo): void {
  writeDispi(context, 'ENABLE', 0);
  writeDispi(context, 'XRES', width);
  writeDispi(context, 'YRES', height);
  writeDispi(context, 'BPP', bitsPerPixel);
  writeDispi(context, 'ENABLE', DISPI_ENABLED | DISPI_LFB_ENABLED);
}
