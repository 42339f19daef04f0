/** What NASM writes to standard error (`file:line: severity: message`, its manual §2.1.28) as messages of the host. */
import { resolve } from 'node:path';
import type { AssemblerMessage } from '../host.ts';

const PLACED = /^(.+?):(\d+): (error|fatal|panic|critical|warning): (.*)$/;
/** Goes on explaining the message before it: where the macro is defined, where a label was defined first. */
const DETAIL = /^(.+?):(\d+): (?:\.\.\. |info: |note: )(.*)$/;
const UNPLACED = /^nasm(?:\.exe)?: (error|fatal|panic|critical|warning): (.*)$/;

/** Files are seen from the source's directory, where NASM ran; what has no place is put on the source's first line. */
export function parseNasmMessages(text: string, source: string): AssemblerMessage[] {
  const messages: AssemblerMessage[] = [];
  const add = (severity: string, file: string, line: number, message: string): void => {
    messages.push({ severity: severity === 'warning' ? 'warning' : 'error', file, line: Math.max(1, line), message });
  };
  const pathOf = (file: string): string => resolve(source, '..', file);
  for (const row of text.split(/\r?\n/)) {
    const [, file = '', line = '', severity = '', message = ''] = PLACED.exec(row) ?? [];
    const detail = DETAIL.exec(row);
    const unplaced = UNPLACED.exec(row);
    const last = messages.at(-1);
    if (severity !== '') add(severity, pathOf(file), Number(line), message);
    else if (unplaced !== null) add(unplaced[1] ?? '', source, 1, unplaced[2] ?? '');
    else if (detail !== null && last !== undefined) {
      const place = `${detail[1]}:${detail[2]}`;
      messages[messages.length - 1] = { ...last, message: `${last.message} (${place}: ${detail[3]})` };
    }
  }
  return messages;
}
