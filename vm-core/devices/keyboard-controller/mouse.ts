/**
 * The mouse at the controller's auxiliary port (IBM PS/2 Technical Reference, auxiliary device; Microsoft, "Device support
 * for IntelliMouse" for wheel and further buttons): its commands, its packets and how often it sends them.
 */

/** What the user did: buttons (bit 0 left, 1 right, 2 middle, 3 and 4 at the sides) and movement since the last event. */
export type MouseEvent = {
  buttons: number;
  dx: number;
  /** Positive upwards, as the mouse counts. */
  dy: number;
  /** Clicks of the wheel, positive towards the user. */
  dz: number;
};

export type MouseState = {
  /** Answers and packets on their way. */
  output: number[];
  /** What RESEND repeats: the last answer or packet. */
  lastSent: number[];
  /** The command whose parameter comes next, or 0. */
  command: number;
  mode: 'stream' | 'remote';
  wrapping: boolean;
  reporting: boolean;
  sampleRate: number;
  resolution: number;
  doubleScaling: boolean;
  /** 0: three buttons, 3: a wheel, 4: a wheel and five buttons. */
  identification: number;
  /** The sample rates that were set last, by which drivers ask for the wheel. */
  lastRates: number[];
  /** Events not yet sent, oldest first. */
  events: MouseEvent[];
  /** The buttons as they were last told. */
  buttons: number;
};

const ACK = 0xfa;
const RESEND_PLEASE = 0xfe;
const SELF_TEST_PASSED = 0xaa;
const DEFAULT_RATE = 100;
const DEFAULT_RESOLUTION = 2;
const WHEEL = 3;
const FIVE_BUTTONS = 4;
/** Button changes that wait for their packets, and how far the mouse may be ahead of them. */
const EVENTS_MAX = 16;
const DISTANCE_MAX = 0x7fff;
/** Movement in one packet has nine bits, the wheel's four. */
const MOVEMENT_MAX = 255;
const WHEEL_MAX = 7;
const WHEEL_CLICKS_MAX = 127;

const limit = (value: number, max: number): number => Math.min(Math.max(value, -max), max);

export const POWER_ON_MOUSE: MouseState = {
  output: [],
  lastSent: [SELF_TEST_PASSED, 0],
  command: 0,
  mode: 'stream',
  wrapping: false,
  reporting: false,
  sampleRate: DEFAULT_RATE,
  resolution: DEFAULT_RESOLUTION,
  doubleScaling: false,
  identification: 0,
  lastRates: [],
  events: [],
  buttons: 0,
};

const SET_SCALING_1 = 0xe6;
const SET_SCALING_2 = 0xe7;
const SET_RESOLUTION = 0xe8;
const STATUS_REQUEST = 0xe9;
const SET_STREAM_MODE = 0xea;
const READ_DATA = 0xeb;
const RESET_WRAP_MODE = 0xec;
const SET_WRAP_MODE = 0xee;
const SET_REMOTE_MODE = 0xf0;
const READ_DEVICE_TYPE = 0xf2;
const SET_SAMPLE_RATE = 0xf3;
const ENABLE = 0xf4;
const DISABLE = 0xf5;
const SET_DEFAULT = 0xf6;
const RESEND = 0xfe;
const RESET = 0xff;

const sampleRates: ReadonlySet<number> = new Set([10, 20, 40, 60, 80, 100, 200]);
/** Sample rates that, one after the other, turn one kind of mouse into another. */
const wheelKnock = '200,100,80';
const fiveButtonsKnock = '200,200,80';

/** Something moved or was pressed: it joins the last event unless the buttons differ. */
export function moveMouse(mouse: MouseState, happened: MouseEvent): void {
  const event = mouse.identification === 0 ? { ...happened, dz: 0 } : happened;
  if (mouse.mode === 'stream' && !mouse.reporting) {
    mouse.buttons = event.buttons;
    return;
  }
  const last = mouse.events.at(-1);
  if (last !== undefined && (last.buttons === event.buttons || mouse.events.length === EVENTS_MAX)) {
    last.buttons = event.buttons;
    last.dx = limit(last.dx + event.dx, DISTANCE_MAX);
    last.dy = limit(last.dy + event.dy, DISTANCE_MAX);
    last.dz = limit(last.dz + event.dz, DISTANCE_MAX);
  } else if (event.buttons !== mouse.buttons || event.dx !== 0 || event.dy !== 0 || event.dz !== 0 || last) {
    mouse.events.push({ ...event });
  }
}

/** Whether a packet is due as soon as the sample rate allows it. */
export function hasNews(mouse: MouseState): boolean {
  return mouse.mode === 'stream' && mouse.reporting && !mouse.wrapping && mouse.events.length > 0;
}

/** Puts one packet behind what is on its way. */
export function sendPacket(mouse: MouseState): void {
  const packet = takePacket(mouse, mouse.doubleScaling && mouse.mode === 'stream');
  mouse.output.push(...packet);
  mouse.lastSent = packet;
}

/** The packet of the oldest event; movement that does not fit stays for the next one. */
function takePacket(mouse: MouseState, scaled: boolean): number[] {
  const event = mouse.events[0] ?? { buttons: mouse.buttons, dx: 0, dy: 0, dz: 0 };
  const dx = limit(event.dx, MOVEMENT_MAX);
  const dy = limit(event.dy, MOVEMENT_MAX);
  const dz = limit(event.dz, WHEEL_MAX);
  event.dx -= dx;
  event.dy -= dy;
  event.dz -= dz;
  mouse.buttons = event.buttons;
  if (event.dx === 0 && event.dy === 0 && event.dz === 0) mouse.events.shift();
  const x = scaled ? double(dx) : dx;
  const y = scaled ? double(dy) : dy;
  const first = 0x08 | (event.buttons & 7) | (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0);
  const packet = [first, x & 0xff, y & 0xff];
  if (mouse.identification === WHEEL) packet.push(dz & 0xff);
  if (mouse.identification === FIVE_BUTTONS) packet.push((dz & 0x0f) | ((event.buttons & 0x18) << 1));
  return packet;
}

/** Scaling 2:1: small movements are told as they are. */
function double(value: number): number {
  const steps = [0, 1, 1, 3, 6, 9];
  const size = Math.abs(value);
  return limit((steps[size] ?? size * 2) * Math.sign(value), MOVEMENT_MAX);
}

/** A byte from the controller: a command or a parameter. Packets on their way are given up for the answer. */
export function receiveMouseByte(mouse: MouseState, byte: number): void {
  const { command } = mouse;
  mouse.command = 0;
  const answer = answerTo(mouse, command, byte);
  mouse.output = [...answer];
  if (byte !== RESEND && answer[0] !== RESEND_PLEASE) mouse.lastSent = answer;
}

function answerTo(mouse: MouseState, command: number, byte: number): number[] {
  if (mouse.wrapping && byte !== RESET && byte !== RESET_WRAP_MODE) return [byte];
  if (command === SET_SAMPLE_RATE) return setSampleRate(mouse, byte);
  if (command === SET_RESOLUTION) {
    if (byte > 3) return [RESEND_PLEASE];
    mouse.resolution = byte;
    return [ACK];
  }
  return execute(mouse, byte);
}

function setSampleRate(mouse: MouseState, rate: number): number[] {
  if (!sampleRates.has(rate)) return [RESEND_PLEASE];
  mouse.sampleRate = rate;
  mouse.lastRates = [...mouse.lastRates, rate].slice(-3);
  const knock = mouse.lastRates.join();
  if (knock === wheelKnock && mouse.identification === 0) mouse.identification = WHEEL;
  if (knock === fiveButtonsKnock && mouse.identification === WHEEL) mouse.identification = FIVE_BUTTONS;
  return [ACK];
}

function execute(mouse: MouseState, command: number): number[] {
  switch (command) {
    case SET_SCALING_1:
    case SET_SCALING_2:
      mouse.doubleScaling = command === SET_SCALING_2;
      return [ACK];
    case SET_RESOLUTION:
    case SET_SAMPLE_RATE:
      mouse.command = command;
      return [ACK];
    case STATUS_REQUEST:
      return [ACK, statusByte(mouse), mouse.resolution, mouse.sampleRate];
    case SET_STREAM_MODE:
    case SET_REMOTE_MODE:
      mouse.mode = command === SET_STREAM_MODE ? 'stream' : 'remote';
      mouse.events = [];
      return [ACK];
    case READ_DATA:
      return [ACK, ...takePacket(mouse, false)];
    case SET_WRAP_MODE:
    case RESET_WRAP_MODE:
      mouse.wrapping = command === SET_WRAP_MODE;
      return [ACK];
    case READ_DEVICE_TYPE:
      return [ACK, mouse.identification];
    case ENABLE:
    case DISABLE:
      mouse.reporting = command === ENABLE;
      mouse.events = [];
      return [ACK];
    case SET_DEFAULT:
      setDefaults(mouse);
      return [ACK];
    case RESEND:
      return [...mouse.lastSent];
    case RESET:
      setDefaults(mouse);
      Object.assign(mouse, { wrapping: false, identification: 0, lastRates: [] });
      return [ACK, SELF_TEST_PASSED, 0];
    default:
      return [RESEND_PLEASE];
  }
}

function setDefaults(mouse: MouseState): void {
  Object.assign(mouse, { mode: 'stream', reporting: false, doubleScaling: false, events: [] });
  Object.assign(mouse, { sampleRate: DEFAULT_RATE, resolution: DEFAULT_RESOLUTION });
}

/** Bit 6 remote mode, 5 reporting, 4 scaling 2:1, 2 left, 1 middle, 0 right button. */
function statusByte({ mode, reporting, doubleScaling, buttons }: MouseState): number {
  const pressed = ((buttons & 1) << 2) | ((buttons & 4) >> 1) | ((buttons & 2) >> 1);
  return (mode === 'remote' ? 0x40 : 0) | (reporting ? 0x20 : 0) | (doubleScaling ? 0x10 : 0) | pressed;
}

const EVENT_SIZE = 6;

/**
 * An event as a message of the input channel `mouse`: buttons; movement to the right and, down the screen, in two bytes
 * each, low byte first; the wheel towards the user.
 */
export function encodeMouseEvent({ buttons, dx, dy, dz }: MouseEvent): Uint8Array {
  const bytes = new Uint8Array(EVENT_SIZE);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, buttons);
  view.setInt16(1, limit(dx, DISTANCE_MAX), true);
  view.setInt16(3, limit(-dy, DISTANCE_MAX), true);
  view.setInt8(5, limit(dz, WHEEL_CLICKS_MAX));
  return bytes;
}

/** The events of a message, one behind the other. Bytes that do not make an event are left out. */
export function mouseEvents(bytes: Uint8Array): MouseEvent[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.length / EVENT_SIZE) }, (_, index) => {
    const at = index * EVENT_SIZE;
    return {
      buttons: view.getUint8(at) & 0x1f,
      dx: view.getInt16(at + 1, true),
      dy: 0 - view.getInt16(at + 3, true),
      dz: view.getInt8(at + 5),
    };
  });
}
