/** Asks QEMU's monitor for a guest's page tables once the guest has written to port E9h. */
import { spawn } from 'node:child_process';
import { connect } from 'node:net';

/** A range as `info mem` lists it: neighbours in the linear address space that give the same rights. */
export interface MonitorRange {
  readonly linear: bigint;
  readonly size: bigint;
  readonly user: boolean;
  readonly writable: boolean;
}

/** A page as `info tlb` lists it, with the flags of its own entry: `XGPDACTUW`, or `-` for each that is clear. */
export interface MonitorPage {
  readonly linear: bigint;
  readonly frame: bigint;
  readonly flags: string;
}

export interface MonitorTables {
  readonly ranges: readonly MonitorRange[];
  readonly pages: readonly MonitorPage[];
}

/** Boots a kernel in QEMU and asks its monitor, `info mem` or `info tlb`, when the guest has said that it is ready. */
export async function tablesInQemu(image: string, questions: readonly string[]): Promise<MonitorTables> {
  const socket = `${image}.monitor`;
  const options = ['-cpu', 'max', '-m', '16', '-display', 'none', '-no-reboot', '-kernel', image, '-debugcon', 'stdio'];
  const monitor = ['-monitor', `unix:${socket},server=on,wait=off`];
  const child = spawn('timeout', ['60', 'qemu-system-x86_64', ...options, ...monitor]);
  let [said, problems] = ['', ''];
  child.stderr.on('data', (chunk: Buffer) => {
    problems += chunk.toString();
  });
  child.stdout.once('data', () => {
    const connection = connect(socket, () => connection.write(questions.map((question) => `${question}\n`).join('')));
    connection.on('data', (chunk) => {
      said += chunk.toString();
      // What has not been sent when QEMU quits is lost.
      if (said.split(PROMPT).length === questions.length + 2) connection.write('quit\n');
    });
    connection.on('error', (error) => {
      problems += error.message;
    });
  });
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (exitCode !== 0) throw new Error(`QEMU ended with ${exitCode}: ${problems}`);
  return readMonitor(said);
}

/** Written again behind each answer. */
const PROMPT = '(qemu) ';
const RANGE = /^([0-9a-f]+)-[0-9a-f]+ ([0-9a-f]+) ([-u])r([-w])\r?$/gm;
const PAGE = /^([0-9a-f]+): ([0-9a-f]+) ([-XGPDACTUW]{9})\r?$/gm;

/** What the monitor has said of ranges and of pages. */
export function readMonitor(text: string): MonitorTables {
  const ranges = [...text.matchAll(RANGE)].map(([, linear, size, user, writable]) => ({
    linear: BigInt(`0x${linear}`),
    size: BigInt(`0x${size}`),
    user: user === 'u',
    writable: writable === 'w',
  }));
  const pages = [...text.matchAll(PAGE)].map(([, linear, frame, flags]) => ({
    linear: BigInt(`0x${linear}`),
    frame: BigInt(`0x${frame}`),
    flags: flags as string,
  }));
  return { ranges, pages };
}
