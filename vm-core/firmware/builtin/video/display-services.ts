/**
 * INT 10h, AH=12h and 1Ah: what display there is and how the BIOS treats it (IBM PS/2 BIOS Interface Technical Reference).
 */
import { bda, changeBits } from '../bios-data.ts';
import type { Caller } from '../caller.ts';
import type { Service } from '../service.ts';
import { setTextLines } from './screen.ts';
import { readSequencer, writeSequencer } from './vga-registers.ts';

/** Display combination code: VGA with a colour monitor. */
const VGA_COLOR = 0x08;
/** AL that tells the caller that the function exists. */
const SUPPORTED = 0x12;
const MISC_OUTPUT_READ = 0x3cc;
const MISC_OUTPUT_WRITE = 0x3c2;
const MEMORY_ENABLED = 1 << 1;

/** Scan lines of text modes by AL. */
const LINES_BY_CODE = [200, 350, 400] as const;

/** Switches a bit off when AL is 1, on when it is 0, where AL = 0 means "enable". */
function enableBit(caller: Caller, physicalAddress: number, mask: number, setWhenEnabled: boolean): undefined {
  if (caller.al > 1) return;
  const set = (caller.al === 0) === setWhenEnabled;
  changeBits(caller.context, physicalAddress, mask, set ? mask : 0);
  caller.al = SUPPORTED;
}

function getConfiguration(caller: Caller): undefined {
  const monochrome = caller.memory.read(bda.CRTC_PORT, 2) === 0x3b4;
  caller.bh = monochrome ? 1 : 0;
  caller.bl = 3;
  caller.cx = caller.memory.read(bda.VIDEO_SWITCHES, 1) & 0x0f;
}

function selectScanLines(caller: Caller): undefined {
  const lines = LINES_BY_CODE[caller.al];
  if (lines === undefined) return;
  setTextLines(caller.context, lines);
  caller.al = SUPPORTED;
}

function enableMemory(caller: Caller): undefined {
  if (caller.al > 1) return;
  const { ports } = caller.context;
  const value = ports.read(MISC_OUTPUT_READ, 1);
  ports.write(MISC_OUTPUT_WRITE, 1, caller.al === 0 ? value | MEMORY_ENABLED : value & ~MEMORY_ENABLED);
  caller.al = SUPPORTED;
}

const CLOCKING_MODE = 1;
const SCREEN_OFF = 1 << 5;

/** AL is 1 to switch the picture off. */
function enableRefresh(caller: Caller): undefined {
  if (caller.al > 1) return;
  const { context } = caller;
  const mode = readSequencer(context, CLOCKING_MODE) & ~SCREEN_OFF;
  writeSequencer(context, CLOCKING_MODE, caller.al === 0 ? mode : mode | SCREEN_OFF);
  caller.al = SUPPORTED;
}

/** By BL. */
const alternateFunctions: ReadonlyMap<number, (caller: Caller) => undefined> = new Map([
  [0x10, getConfiguration],
  // Alternate print screen: the BIOS's own prints every mode's rows already.
  [0x20, () => undefined],
  [0x30, selectScanLines],
  [0x31, (caller: Caller) => enableBit(caller, bda.VIDEO_FLAGS, 1 << 3, false)],
  [0x32, enableMemory],
  [0x33, (caller: Caller) => enableBit(caller, bda.VIDEO_FLAGS, 1 << 1, true)],
  [0x34, (caller: Caller) => enableBit(caller, bda.VIDEO_CONTROL, 1 << 0, false)],
  [0x36, enableRefresh],
]);

export const displayServices: readonly Service[] = [
  {
    interrupt: 0x10,
    function: { ah: 0x12 },
    name: 'alternate functions: configuration, scan lines, palette loading, gray summing, cursor emulation',
    run: (caller) => {
      const run = alternateFunctions.get(caller.bl);
      if (run) return run(caller);
      caller.context.logOnce(`BIOS: INT 10h, AH=12h, BL=${caller.bl.toString(16)}h is not provided`);
      return undefined;
    },
  },
  {
    interrupt: 0x10,
    function: { ah: 0x1a },
    name: 'display combination',
    run: (caller) => {
      if (caller.al > 1) return;
      if (caller.al === 0) caller.bx = VGA_COLOR;
      caller.al = 0x1a;
    },
  },
];
