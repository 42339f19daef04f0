/** Sources as launch arguments: which they are, and what the host's assembler makes of them. */
import { localized } from '../protocol/localized.ts';
import type { AssemblerMessage, Host } from '../host.ts';
import { fileSize } from './host-files.ts';
import { UserError } from './user-error.ts';

const SOURCE_NAME = /\.(asm|nasm|s)$/i;

/** Called with what the assembler said, also when it failed. */
export type ReportMessages = (messages: readonly AssemblerMessage[]) => void;

export interface Assembled {
  /** Paths of what was made. */
  readonly image: string;
  readonly listing: string | undefined;
}

export function isSource(path: string): boolean {
  return SOURCE_NAME.test(path);
}

/** Assembles the source that a launch argument names. Throws a UserError with the assembler's first error. */
export async function assembleSource(
  argument: string,
  source: string,
  host: Host,
  report: ReportMessages,
): Promise<Assembled> {
  let result: Awaited<ReturnType<Host['assemble']>>;
  try {
    result = await host.assemble(source);
  } catch (error) {
    throw new UserError(
      'assembler-failed',
      localized('{0}: {1}', argument, error instanceof Error ? error.message : String(error)),
    );
  }
  // The assembler's word for a source that is not there would be put on its first line.
  if (result.image === undefined) await fileSize(host, argument, source);
  report(result.messages);
  if (result.image !== undefined) return { image: result.image, listing: result.listing };
  const errors = result.messages.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const what = first ? `${first.file}:${first.line}: ${first.message}${more}` : 'it gave no image';
  throw new UserError('assembler-failed', localized('{0} could not be assembled: {1}', source, what));
}
