/**
 * The I/O space of the machine (SDM vol. 1 §19): 65,536 ports, regions of devices mapped into it, constant-time lookup.
 * An access wider than its device, or one that crosses a region's end, is split in halves, low part first, as the bus
 * does. Ports that nobody claims read as all ones.
 */
import type { PortSpace } from '../cpu/cpu.ts';
import type { Region } from '../devices/device.ts';
import { AccessLog, answersLater, type DeviceAccess } from '../memory/access-log.ts';

export const PORT_COUNT = 0x10000;

export type PortDirection = 'read' | 'write';

/** Sees every access as the instruction made it, after it was carried out. */
export type PortTrace = (direction: PortDirection, port: number, size: 1 | 2 | 4, value: number) => void;

/** A port space that regions are mapped into. */
export interface MappedPortSpace extends PortSpace {
  /** Maps a whole region; `owner` names it in messages. Overlaps are a mistake in the machine's map. */
  map(basePort: number, region: Region, owner: string): void;
  /** The owner of a port, for views. */
  ownerOf(port: number): string | undefined;
  trace: PortTrace | undefined;
}

interface Mapping {
  readonly basePort: number;
  readonly region: Region;
  readonly owner: string;
}

/** `onUnclaimed` tells of the first access to each run of so many ports. */
const REPORTED_TOGETHER_SHIFT = 4;

/**
 * Makes an empty port space; `onUnclaimed` is called once for each 16 ports in which an access found nobody. `accesses` is
 * that of the machine's memory.
 */
export function createPortSpace(
  onUnclaimed: (port: number, direction: PortDirection) => void,
  accesses: AccessLog = new AccessLog(),
): MappedPortSpace {
  const mappings: Mapping[] = [];
  /** For each port, 1 + the index of its mapping; 0 where there is none. */
  const mappingOfPort = new Uint8Array(PORT_COUNT);
  const reported = new Uint8Array(PORT_COUNT >> REPORTED_TOGETHER_SHIFT);

  const report = (port: number, direction: PortDirection): void => {
    const range = port >> REPORTED_TOGETHER_SHIFT;
    if (reported[range] === 1) return;
    reported[range] = 1;
    onUnclaimed(port, direction);
  };

  const mappingAt = (port: number): Mapping | undefined => mappings[(mappingOfPort[port] as number) - 1];

  const read = (port: number, size: 1 | 2 | 4): number => {
    const mapping = mappingAt(port);
    if (mapping !== undefined && fits(mapping, port, size)) {
      if (accesses.isOpen) return accesses.read({ ...accessOf(mapping, port, size), kind: 'read' });
      return (mapping.region.read(port - mapping.basePort, size) & maskOf(size)) >>> 0;
    }
    if (size === 1) {
      report(port, 'read');
      return 0xff;
    }
    const half = (size >> 1) as 1 | 2;
    const low = read(port, half);
    const high = read((port + half) & (PORT_COUNT - 1), half);
    return (low | (high << (half * 8))) >>> 0;
  };

  const write = (port: number, size: 1 | 2 | 4, value: number): void => {
    const mapping = mappingAt(port);
    if (mapping !== undefined && fits(mapping, port, size)) {
      const cut = (value & maskOf(size)) >>> 0;
      if (accesses.isOpen) accesses.write({ ...accessOf(mapping, port, size), kind: 'write' }, cut);
      else mapping.region.write(port - mapping.basePort, size, cut);
    } else if (size === 1) {
      report(port, 'write');
    } else {
      const half = (size >> 1) as 1 | 2;
      write(port, half, value & maskOf(half));
      write((port + half) & (PORT_COUNT - 1), half, value >>> (half * 8));
    }
  };

  const space: MappedPortSpace = {
    trace: undefined,
    map(basePort, region, owner) {
      const end = basePort + region.size;
      if (basePort < 0 || end > PORT_COUNT) throw new Error(`${owner}: ports ${basePort}…${end - 1} are out of range`);
      if (mappings.length === 0xff) throw new Error('the port space holds at most 255 regions');
      for (let port = basePort; port < end; port += 1) {
        const other = mappingAt(port);
        if (other !== undefined) throw new Error(`${owner} and ${other.owner} both claim port ${port.toString(16)}h`);
      }
      mappings.push({ basePort, region, owner });
      if (answersLater(region)) accesses.turnOn();
      mappingOfPort.fill(mappings.length, basePort, end);
    },
    ownerOf: (port) => mappingAt(port)?.owner,
    read(port, size) {
      const value = read(port & (PORT_COUNT - 1), size);
      space.trace?.('read', port, size, value);
      return value;
    },
    write(port, size, value) {
      write(port & (PORT_COUNT - 1), size, value);
      space.trace?.('write', port, size, value);
    },
  };
  return space;
}

function accessOf({ region, owner, basePort }: Mapping, port: number, size: 1 | 2 | 4): Omit<DeviceAccess, 'kind'> {
  return { region, device: owner, space: 'port', address: port, offset: port - basePort, size, purpose: 'data' };
}

function maskOf(size: 1 | 2 | 4): number {
  return size === 4 ? -1 : (1 << (size * 8)) - 1;
}

function fits(mapping: Mapping, port: number, size: 1 | 2 | 4): boolean {
  const { region, basePort } = mapping;
  return size * 8 <= region.width && port - basePort + size <= region.size;
}
