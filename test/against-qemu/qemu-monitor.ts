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
  const options = ['-cpu', 'max', '-m', '16', '-no-reboot', '-kernel', image, '-debugcon', 'stdio'];
  return readMonitor(await askMonitor('qemu-system-x86_64', options, image, /./s, questions));
}

/**
 * Starts a QEMU whose options bring what the guest says to standard output, and asks its monitor when that matches; all again
 * until the answers match, too. `path` is of a file beside which the monitor's socket may lie.
 */
export async function askMonitor(
  command: string,
  options: readonly string[],
  path: string,
  ready: RegExp,
  questions: readonly string[],
  answered: RegExp = /^/,
): Promise<string> {
  const socket = `${path}.monitor`;
  const monitor = ['-display', 'none', '-monitor', `unix:${socket},server=on,wait=off`];
  const child = spawn('timeout', ['60', command, ...options, ...monitor]);
  let [text, said, problems] = ['', '', ''];
  child.stderr.on('data', (chunk: Buffer) => {
    problems += chunk.toString();
  });
  const ask = () => {
    const text = questions.map((question) => `${question}\n`).join('');
    const connection = connect(socket, () => connection.write(text));
    let prompts = questions.length + 2;
    connection.on('data', (chunk) => {
      said += chunk.toString();
      // What has not been sent when QEMU quits is lost.
      if (said.split(PROMPT).length !== prompts) return;
      if (!answered.test(said)) {
        said = '';
        prompts = questions.length + 1;
      }
      connection.write(said === '' ? text : 'quit\n');
    });
    connection.on('error', (error) => {
      problems += error.message;
    });
  };
  child.stdout.on('data', (chunk: Buffer) => {
    const wasReady = ready.test(text);
    text += chunk.toString();
    if (!wasReady && ready.test(text)) ask();
  });
  const exitCode = await new Promise<number | null>((resolve) => child.on('close', resolve));
  if (exitCode !== 0) throw new Error(`QEMU ended with ${exitCode}: ${problems}`);
  return said;
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
