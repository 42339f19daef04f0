/**
 * INT 15h, AH=53h: advanced power management in real mode (Advanced Power Management BIOS Interface Specification 1.2).
 * There is no protected-mode interface, no battery, and nothing to save: what matters is idling and switching off.
 */
import { ebda } from './bios-data.ts';
import type { Caller } from './caller.ts';
import type { Service, ServiceResult } from './service.ts';

/** Error codes in AH. */
const ALREADY_CONNECTED = 0x02;
const NOT_CONNECTED = 0x03;
const NO_16_BIT_INTERFACE = 0x06;
const NO_32_BIT_INTERFACE = 0x08;
const UNKNOWN_DEVICE = 0x09;
const OUT_OF_RANGE = 0x0a;
const NO_EVENT = 0x80;

const VERSION = 0x0102;
const VERSION_MIN = 0x0100;
/** 'PM'. */
const SIGNATURE = 0x504d;

/** Device IDs in BX. */
const DEVICE_BIOS = 0x0000;
const DEVICE_ALL = 0x0001;
const DEVICE_ALL_1_0 = 0xffff;
/** Classes of devices: display, disks, parallel and serial ports. */
const CLASS_FIRST = 0x01;
const CLASS_LAST = 0x06;

/** Power states in CX. */
const STATE_READY = 0;
const STATE_OFF = 3;

const CONNECTED = 1;
const ON_LINE = 1;
const UNKNOWN = 0xff;
const NO_BATTERY = 0x80;

function fail(caller: Caller, status: number): undefined {
  caller.ah = status;
  caller.carry = true;
}

function succeed(caller: Caller): undefined {
  caller.carry = false;
}

const isConnected = ({ memory }: Caller): boolean => memory.read(ebda.POWER_INTERFACE, 1) === CONNECTED;

const isWholeMachine = (device: number): boolean => device === DEVICE_ALL || device === DEVICE_ALL_1_0;

const isDevice = (device: number): boolean =>
  isWholeMachine(device) || (device >> 8 >= CLASS_FIRST && device >> 8 <= CLASS_LAST);

const row = (al: number, name: string, run: (caller: Caller) => ServiceResult): Service => ({
  interrupt: 0x15,
  function: { ax: 0x5300 | al },
  name: `APM: ${name}`,
  run,
});

/** Many programs forget to connect; most BIOSes do not mind, but the specification does. */
function warnUnlessConnected(caller: Caller): void {
  if (isConnected(caller)) return;
  caller.context.logOnce(
    `BIOS: INT 15h, AX=${caller.ax.toString(16).toUpperCase()}h before the power interface was connected (AX=5301h); ` +
      'some BIOSes refuse that (AH=03h)',
  );
}

function checkInstallation(caller: Caller): undefined {
  if (caller.bx !== DEVICE_BIOS) return fail(caller, UNKNOWN_DEVICE);
  caller.ax = VERSION;
  caller.bx = SIGNATURE;
  caller.cx = 0;
  return succeed(caller);
}

function connect(caller: Caller): undefined {
  if (caller.bx !== DEVICE_BIOS) return fail(caller, UNKNOWN_DEVICE);
  if (isConnected(caller)) return fail(caller, ALREADY_CONNECTED);
  caller.memory.write(ebda.POWER_INTERFACE, 1, CONNECTED);
  return succeed(caller);
}

function disconnect(caller: Caller): undefined {
  if (caller.bx !== DEVICE_BIOS) return fail(caller, UNKNOWN_DEVICE);
  if (!isConnected(caller)) return fail(caller, NOT_CONNECTED);
  caller.memory.write(ebda.POWER_INTERFACE, 1, 0);
  return succeed(caller);
}

/** Standby and suspend sleep until the next interrupt. */
function setPowerState(caller: Caller): ServiceResult {
  if (!isDevice(caller.bx)) return fail(caller, UNKNOWN_DEVICE);
  if (caller.cx > STATE_OFF) return fail(caller, OUT_OF_RANGE);
  warnUnlessConnected(caller);
  if (!isWholeMachine(caller.bx) || caller.cx === STATE_READY) return succeed(caller);
  if (caller.cx !== STATE_OFF) return 'poll';
  caller.context.request({ kind: 'power-off' });
  return succeed(caller);
}

/** Functions that switch management on or off for a device: accepted, without effect. */
function switchDevice(caller: Caller): undefined {
  if (!isDevice(caller.bx)) return fail(caller, UNKNOWN_DEVICE);
  if (caller.cx > 1) return fail(caller, OUT_OF_RANGE);
  return succeed(caller);
}

function getPowerStatus(caller: Caller): undefined {
  if (!isWholeMachine(caller.bx)) return fail(caller, UNKNOWN_DEVICE);
  caller.bx = (ON_LINE << 8) | UNKNOWN;
  caller.cx = (NO_BATTERY << 8) | UNKNOWN;
  caller.dx = 0xffff;
  return succeed(caller);
}

function getPowerState(caller: Caller): undefined {
  if (!isDevice(caller.bx)) return fail(caller, UNKNOWN_DEVICE);
  caller.cx = STATE_READY;
  return succeed(caller);
}

function agreeOnVersion(caller: Caller): undefined {
  if (caller.bx !== DEVICE_BIOS) return fail(caller, UNKNOWN_DEVICE);
  if (!isConnected(caller)) return fail(caller, NOT_CONNECTED);
  if (caller.cx < VERSION_MIN) return fail(caller, OUT_OF_RANGE);
  caller.ax = Math.min(caller.cx, VERSION);
  return succeed(caller);
}

/** True for the calls that sleep in the ROM until an interrupt, no matter what for. */
export function isPowerSleep(ax: number): boolean {
  return ax === 0x5305 || ax === 0x5307;
}

export const powerServices: readonly Service[] = [
  row(0x00, 'installation check', checkInstallation),
  row(0x01, 'connect', connect),
  row(0x02, 'connect in 16-bit protected mode (there is no such interface)', (c) => fail(c, NO_16_BIT_INTERFACE)),
  row(0x03, 'connect in 32-bit protected mode (there is no such interface)', (c) => fail(c, NO_32_BIT_INTERFACE)),
  row(0x04, 'disconnect', disconnect),
  row(0x05, 'processor idle', () => 'poll'),
  row(0x06, 'processor busy', succeed),
  row(0x07, 'set power state', setPowerState),
  row(0x08, 'enable or disable power management', switchDevice),
  row(0x09, 'restore defaults', (caller) => (isDevice(caller.bx) ? succeed(caller) : fail(caller, UNKNOWN_DEVICE))),
  row(0x0a, 'get power status', getPowerStatus),
  row(0x0b, 'get power event', (caller) => fail(caller, NO_EVENT)),
  row(0x0c, 'get power state', getPowerState),
  row(0x0d, 'enable or disable a device', switchDevice),
  row(0x0e, 'driver version', agreeOnVersion),
  row(0x0f, 'engage or disengage a device', switchDevice),
];
